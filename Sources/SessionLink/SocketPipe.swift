import Multiplexer
import NIOCore
import NIOPosix

/// A socket of this machine as a pipe: what is sent into the pipe is written to the socket, what
/// the socket reads comes out of it. Leads to the relay's own API.
///
/// Belongs to one event loop. What is sent before the connection stands waits.
package final class SocketPipe: Pipe, SocketUser {
  private let socket: JoinedSocket
  private weak var end: (any PipeEnd)?
  private var waiting: ByteBuffer? = ByteBuffer()
  /// Handed to the end, not yet given back as credit.
  private var lent = 0
  private var isOver = false
  /// Bytes that may be lent before reading stops.
  private static let window = 256 << 10

  private init(end: any PipeEnd, flusher: TickFlusher) {
    self.end = end
    socket = JoinedSocket(flusher: flusher)
    socket.attach(self)
  }

  /// Connects to a Unix socket; a failure comes as `pipeLost`.
  package static func connect(
    unixPath: String, end: any PipeEnd, flusher: TickFlusher, on loop: any EventLoop
  ) -> SocketPipe {
    let pipe = SocketPipe(end: end, flusher: flusher)
    let bound = NIOLoopBound(pipe, eventLoop: loop)
    ClientBootstrap(group: loop)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(bound.value.socket)
        }
      }
      .connect(unixDomainSocketPath: unixPath)
      .assumeIsolated()
      .whenComplete { result in
        switch result {
        case .success: pipe.connected()
        case .failure: pipe.lose()
        }
      }
    return pipe
  }

  private func connected() {
    guard let bytes = waiting else { return }
    waiting = nil
    if bytes.readableBytes > 0 { socket.write(bytes) }
    if isOver { socket.close() } else { end?.pipeResumed() }
  }

  private func lose() {
    guard !isOver else { return }
    isOver = true
    end?.pipeLost()
  }

  // MARK: - Pipe

  package func send(_ bytes: ByteBuffer, end: Bool) -> Bool {
    if waiting != nil {
      waiting?.writeImmutableBuffer(bytes)
      return false
    }
    // A request's end is in its own bytes: the socket stays open both ways for the answer.
    if bytes.readableBytes > 0 { socket.write(bytes) }
    return !socket.mustWait()
  }

  package func credit(_ count: Int) {
    lent -= count
    if lent < Self.window, !isOver { socket.resumeReading() }
  }

  package func stop(_ farewell: Farewell) { leave() }
  package func reset(_ farewell: Farewell) { leave() }
  package func breakOff(_ farewell: Farewell) { leave() }
  package func done() { leave() }

  private func leave() {
    guard !isOver else { return }
    isOver = true
    socket.close()
  }

  // MARK: - SocketUser

  package func socketRead(_ socket: JoinedSocket) {
    if !socket.mustWait() { end?.pipeResumed() }
    guard socket.unread.readableBytes > 0 else { return }
    let bytes = socket.unread
    socket.unread = ByteBuffer()
    lent += bytes.readableBytes
    if lent >= Self.window { socket.pauseReading() }
    end?.pipeData(bytes, end: false)
  }

  package func socketEnded(_ socket: JoinedSocket) {
    guard !isOver else { return }
    isOver = true
    end?.pipeData(ByteBuffer(), end: true)
    socket.close()
  }

  package func socketClosed(_ socket: JoinedSocket) { lose() }
}
