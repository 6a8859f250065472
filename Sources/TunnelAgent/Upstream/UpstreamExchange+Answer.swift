import HTTPMessage
import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// The app's answer, from its socket into the stream.
extension UpstreamExchange {
  func answerRead() {
    guard !isOver, let connection else { return }
    let socket = connection.socket
    if socket.unread.readableBytes == 0 { return }
    if isRaw { return passRaw(from: socket) }
    if !answerHasBegun {
      answerHasBegun = true
      again = nil
    }
    do {
      let (bytes, whole) = try takeAnswer(connection)
      if bytes.readableBytes == 0, !whole { return }
      let more = port.send(bytes, end: whole && !isRaw)
      if whole { return finish(connection) }
      if !more { socket.pauseReading() }
      if isRaw { passRaw(from: socket) }
    } catch {
      fail(.upstreamInvalid, .upstream, error.sentence)
    }
  }

  /// All of the answer that is there, and whether it ends with it.
  private func takeAnswer(_ connection: UpstreamConnection) throws(MessageFault)
    -> (ByteBuffer, Bool)
  {
    var rest = connection.socket.takeUnread()
    let all = rest
    defer { connection.socket.unread = rest }
    var isWhole = false
    reading: while true {
      switch try connection.answers.next(in: rest) {
      case .more: break reading
      case .interim(let length), .body(let length): rest.moveReaderIndex(forwardBy: length)
      case .head(let length):
        noteAnswer(connection, rest)
        rest.moveReaderIndex(forwardBy: length)
      case .switched(let length):
        noteAnswer(connection, rest)
        rest.moveReaderIndex(forwardBy: length)
        isRaw = true
        break reading
      case .end:
        isWhole = true
        break reading
      }
    }
    return (all.before(rest), isWhole)
  }

  private func noteAnswer(_ connection: UpstreamConnection, _ bytes: ByteBuffer) {
    let head = connection.answers.head
    timer?.cancel()
    bytes.withUnsafeReadableBytes { bytes in
      report.answered(head.status, UnsafeRawBufferPointer(rebasing: bytes[head.reason.range]))
    }
    connection.allow(head.keepAliveSeconds(bytes.readableBytesUInt8Span))
    tellOnce()
  }

  /// The app's half is over; or the connection is.
  func answerEnded() {
    guard !isOver, let connection else { return }
    if isRaw { return endRaw(from: connection.socket) }
    if !answerHasBegun, connection.isReused, let request = again { return goAgain(request) }
    do {
      // A reset is no proper end, also of an answer that lasts until the connection closes.
      if connection.answers.framing == .untilClose, !connection.socket.hasEnded {
        throw MessageFault.truncated
      }
      try connection.answers.finish(unread: connection.socket.unread.readableBytes)
      _ = port.send(ByteBuffer(), end: true)
      finish(connection)
    } catch {
      let text = answerHasBegun ? "it broke off in its answer" : "it closed before an answer"
      fail(.upstreamInvalid, .upstream, text)
    }
  }

  /// The pooled connection was closed by the app before it saw the request: once more, on a
  /// fresh one (product.md section 5).
  private func goAgain(_ request: ByteBuffer) {
    connection?.close()
    connection = nil
    again = nil
    write(request)
    connect()
  }

  /// The answer is whole. The connection rests if both sides would have it go on.
  private func finish(_ connection: UpstreamConnection) {
    isOver = true
    self.connection = nil
    timer?.cancel()
    if !requestIsWhole || uncredited > 0 {
      // The app has answered early; it is done with this request.
      port.stop(Farewell(.done, blame: .upstream))
    }
    let head = connection.answers.head
    let canRest =
      requestIsWhole && !connection.socket.mustWait()
      && !head.closes && connection.answers.framing != .untilClose
      && reader.head.minorVersion == 1 && !connection.socket.hasEnded
      && connection.socket.unread.readableBytes == 0
    if canRest { pool.put(connection) } else { connection.close() }
  }

  // MARK: - What the relay says of the stream

  func pipeResumed() { connection?.socket.resumeReading() }

  func pipeStopped(_ farewell: Farewell) { cancel() }

  func pipeReset(_ farewell: Farewell) { cancel() }

  func pipeLost() { cancel() }

  /// Nobody waits for the answer any more: the app sees its connection close.
  private func cancel() {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    connection?.close()
    connection = nil
    let farewell = Farewell(.cancelled, blame: .agent)
    port.stop(farewell)
    port.reset(farewell)
    if !isReported {
      report.code = "client-gone"
      tellOnce()
    }
  }

  func fail(_ code: Farewell.Code, _ blame: Blame, _ text: String) {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    connection?.close()
    connection = nil
    let farewell = Farewell(code, blame: blame, text)
    // What the app has given of its answer is passed on as it is, and so is its breaking off.
    if answerHasBegun { port.breakOff(farewell) } else { port.reset(farewell) }
    port.stop(farewell)
    guard !isReported else { return }
    let refusal = RefusalCode(code)
    report.code = refusal.rawValue
    report.status = refusal.status
    tellOnce()
  }

  // MARK: - After 101: bytes both ways

  private func passRaw(from socket: JoinedSocket) {
    guard socket.unread.readableBytes > 0 else { return }
    let bytes = socket.unread
    socket.unread = ByteBuffer()
    if !port.send(bytes, end: false) { socket.pauseReading() }
  }

  func passRaw(_ bytes: ByteBuffer, end: Bool) {
    guard let connection else { return }
    if bytes.readableBytes > 0 {
      connection.socket.write(bytes, owing: bytes.readableBytes, to: self)
    }
    if end {
      rawEnds.relay = true
      connection.socket.endOutput()
      closeIfRawIsOver()
    }
  }

  private func endRaw(from socket: JoinedSocket) {
    if !socket.isOpen { rawEnds.relay = true }
    guard !rawEnds.app else { return closeIfRawIsOver() }
    passRaw(from: socket)
    rawEnds.app = true
    _ = port.send(ByteBuffer(), end: true)
    closeIfRawIsOver()
  }

  private func closeIfRawIsOver() {
    guard rawEnds.app, rawEnds.relay else { return }
    isOver = true
    port.stop(Farewell(.done, blame: .upstream))
    connection?.close()
    connection = nil
  }
}
