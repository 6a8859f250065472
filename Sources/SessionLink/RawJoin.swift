import Multiplexer
import NIOCore

/// A socket and a pipe that carry the same raw bytes, both ways: a visitor's TCP connection at the
/// relay, the app's at the agent. Each half ends by itself; what breaks off on one side breaks off
/// on the other by a TCP reset. The slow side slows the fast one: a read waits for room in the
/// pipe, and the pipe gets its credit back when bytes have left the socket.
///
/// Give it its pipe and its socket in any order; what comes before the socket waits. Belongs to one
/// event loop.
package final class RawJoin: PipeEnd, SocketUser, Creditor {
  package enum End: Equatable {
    /// Both halves came to their ends.
    case whole
    /// The socket broke off, or took nothing any more.
    case broke
    /// The far side did not go on.
    case refused(Farewell)
    /// The link is gone.
    case lost
  }

  /// Read from the socket and passed on.
  package private(set) var bytesRead: UInt64 = 0
  /// Come through the pipe for the socket.
  package private(set) var bytesWritten: UInt64 = 0
  /// Nil while it lives.
  package private(set) var end: End?

  /// Whose doing it is when the socket breaks off.
  let blame: Blame
  private var pipe: (any Pipe)?
  private var socket: JoinedSocket?
  /// Came before there was a socket.
  private var early = ByteBuffer()
  /// Written, and not yet given back as credit.
  private var owed = 0
  private var isPaused = false
  private var ends = (socket: false, pipe: false)
  /// Told once, when nothing more happens here.
  private var ended: ((RawJoin) -> Void)?

  package init(blame: Blame, ended: @escaping (RawJoin) -> Void) {
    self.blame = blame
    self.ended = ended
  }

  package func join(_ pipe: any Pipe) { self.pipe = pipe }

  /// The other side of the pipe may have left meanwhile: then the socket is closed.
  package func join(_ socket: JoinedSocket) {
    guard end == nil else { return socket.abort() }
    self.socket = socket
    socket.attach(self)
    if early.readableBytes > 0 {
      let bytes = early
      early = ByteBuffer()
      socket.write(bytes, owing: bytes.readableBytes, to: self)
    }
    if ends.pipe { socket.endOutput() }
    if socket.unread.readableBytes > 0 || socket.hasEnded { passOn(socket) }
  }

  /// There will be no socket.
  package func refuse(_ farewell: Farewell) { over(.refused(farewell)) }

  // MARK: - From the socket into the pipe

  package func socketRead(_ socket: JoinedSocket) {
    // What still comes behind the end is nobody's, and must not pile up.
    if end != nil { socket.unread = ByteBuffer() } else { passOn(socket) }
  }

  package func socketEnded(_ socket: JoinedSocket) { socketRead(socket) }

  private func passOn(_ socket: JoinedSocket) {
    // Behind the socket's end nothing more comes: the rest waits in the pipe, for the socket may be
    // gone before there is room.
    guard end == nil, !isPaused || socket.hasEnded, let pipe else { return }
    let bytes = socket.takeUnread()
    let isLast = socket.hasEnded && !ends.socket
    guard bytes.readableBytes > 0 || isLast else { return }
    bytesRead += UInt64(bytes.readableBytes)
    if !pipe.send(bytes, end: isLast), !isLast {
      isPaused = true
      socket.pauseReading()
    }
    if isLast {
      ends.socket = true
      closeIfWhole()
    }
  }

  package func pipeResumed() {
    guard isPaused, let socket else { return }
    isPaused = false
    passOn(socket)
    if !isPaused { socket.resumeReading() }
  }

  // MARK: - From the pipe into the socket

  package func pipeData(_ bytes: ByteBuffer, end isLast: Bool) {
    guard end == nil else { return }
    bytesWritten += UInt64(bytes.readableBytes)
    owed += bytes.readableBytes
    if bytes.readableBytes > 0 {
      if let socket {
        socket.write(bytes, owing: bytes.readableBytes, to: self)
      } else {
        early.writeImmutableBuffer(bytes)
      }
    }
    guard isLast else { return }
    ends.pipe = true
    socket?.endOutput()
    closeIfWhole()
  }

  package func bytesLeft(_ count: Int) {
    owed -= count
    pipe?.credit(count)
  }

  // MARK: - Ends

  private func closeIfWhole() {
    if ends.socket, ends.pipe { socket?.close() }
  }

  package func socketClosed(_ socket: JoinedSocket) {
    self.socket = nil
    over(ends.socket && ends.pipe && owed == 0 ? .whole : .broke)
  }

  /// The far side has nobody left who would take it. What it said itself, to its end, still goes.
  package func pipeStopped(_ farewell: Farewell) {
    over(.refused(farewell), gently: ends.pipe)
  }

  package func pipeReset(_ farewell: Farewell) { over(.refused(farewell)) }

  package func pipeLost() { over(.lost) }

  private func over(_ end: End, gently: Bool = false) {
    guard self.end == nil else { return }
    self.end = end
    if end == .whole {
      pipe?.stop(Farewell(.done, blame: blame))
    } else {
      let farewell =
        if case .refused(let said) = end, socket == nil { said } else {
          Farewell(.cancelled, blame: blame)
        }
      pipe?.reset(farewell)
      pipe?.stop(farewell)
    }
    early = ByteBuffer()
    let socket = socket
    self.socket = nil
    // A half that waits for a reader who never comes ends by the socket's write limit.
    if gently { socket?.close() } else { socket?.abort() }
    let told = ended
    ended = nil
    told?(self)
  }
}
