import HTTPMessage
import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// One request and its answer at the ingress: reads the answer strictly as it comes through the
/// pipe, edits its head, and passes the body on untouched.
///
/// Lives from the request's head until the answer has ended or the client is gone.
final class Exchange: PipeEnd, Creditor {
  private static let copied = IngressConnection.copied

  /// Nil once this is over: the stream lives on until the agent's last words have come.
  private var connection: IngressConnection?
  private let socket: JoinedSocket
  private(set) var pipe: (any Pipe)?
  private var reader = ResponseReader()
  private var unread = ByteBuffer()
  private let minorVersion: Int
  private let expectsUpgrade: Bool
  /// The answer's last head is on its way to the client: no refusal can be sent any more.
  private(set) var hasAnswered = false
  private(set) var isRaw = false
  private(set) var endsByClosing = false
  /// An edited head that is not written yet: a small body goes with it, in one write.
  private var headOut: ByteBuffer?
  private var isOver = false {
    didSet { connection = nil }
  }
  private var pipeHasEnded = false
  let record: ExchangeRecord

  init(
    _ connection: IngressConnection, _ socket: JoinedSocket, _ head: RequestHead,
    record: ExchangeRecord
  ) {
    self.connection = connection
    self.socket = socket
    self.record = record
    minorVersion = head.minorVersion
    expectsUpgrade = head.upgrade
    reader.expect(RequestContext(head))
  }

  func begin(_ pipe: any Pipe) { self.pipe = pipe }

  /// An upgrade's request has no end of its own: the pipe stays open for what follows the 101.
  var keepsPipeOpen: Bool { expectsUpgrade && !hasAnswered }

  // MARK: - What comes through the pipe

  func pipeData(_ bytes: ByteBuffer, end: Bool) {
    pipeHasEnded = pipeHasEnded || end
    if isOver {
      pipe?.credit(bytes.readableBytes)
      return
    }
    if isRaw {
      passRaw(bytes, end: end)
      return
    }
    if unread.readableBytes == 0 { unread = bytes } else { unread.writeImmutableBuffer(bytes) }
    do {
      try readAnswer()
      if end, !isOver {
        if isRaw { return passRaw(ByteBuffer(), end: true) }
        try reader.finish(unread: unread.readableBytes)
        finish()
      }
    } catch {
      fail(
        Refusal(.upstreamInvalid, "The app's answer is no valid HTTP: \(error.sentence)."))
    }
  }

  private func readAnswer() throws(MessageFault) {
    defer { putHeadOut() }
    while !isOver, !isRaw {
      switch try reader.next(in: unread) {
      case .more:
        if unread.readableBytes == 0 { unread = ByteBuffer() }
        return
      case .interim(let length):
        if minorVersion == 1 { writeHead(length, close: false) } else { skip(length) }
      case .head(let length): answer(length)
      case .body(let count): pass(count)
      case .switched(let length): switchOver(length)
      case .end:
        putHeadOut()
        return finish()
      }
    }
  }

  private func answer(_ length: Int) {
    let head = reader.head
    endsByClosing = reader.framing == .untilClose
    let close =
      connection?.willClose == true || connection?.requestIsWhole == false || endsByClosing
      || head.minorVersion == 0
    if close { connection?.willClose = true }
    hasAnswered = true
    record.status = head.status
    writeHead(length, close: close)
    if expectsUpgrade { connection?.endRequest() }
  }

  private func switchOver(_ length: Int) {
    hasAnswered = true
    isRaw = true
    record.status = reader.head.status
    writeHead(length, close: false)
    putHeadOut()
    let rest = unread
    unread = ByteBuffer()
    if rest.readableBytes > 0 { passRaw(rest, end: false) }
    connection?.goesRaw()
  }

  private func writeHead(_ length: Int, close: Bool) {
    putHeadOut()
    let head = reader.head
    let bound = ResponseEdit.bound(head)
    let source = unread
    let behind = source.readableBytes - length
    var out = socket.buffer(capacity: bound + (behind <= Self.copied ? behind : 0))
    out.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { memory in
      ResponseEdit.write(head, source.readableBytesUInt8Span, close: close, into: memory)
    }
    unread.moveReaderIndex(forwardBy: length)
    headOut = out
    pipe?.credit(length)
  }

  private func putHeadOut(owing count: Int = 0) {
    guard let out = headOut else { return }
    headOut = nil
    socket.write(out, owing: count, to: self)
  }

  private func skip(_ length: Int) {
    unread.moveReaderIndex(forwardBy: length)
    pipe?.credit(length)
  }

  private func pass(_ count: Int) {
    guard let bytes = unread.readSlice(length: count) else { return }
    record.bytesOut += UInt64(count)
    if count <= Self.copied, headOut != nil {
      headOut?.writeImmutableBuffer(bytes)
      putHeadOut(owing: count)
    } else {
      putHeadOut()
      socket.write(bytes, owing: count, to: self)
    }
  }

  private func passRaw(_ bytes: ByteBuffer, end: Bool) {
    record.bytesOut += UInt64(bytes.readableBytes)
    if bytes.readableBytes > 0 { socket.write(bytes, owing: bytes.readableBytes, to: self) }
    if end {
      socket.endOutput()
      connection?.farSideEnded()
    }
  }

  func bytesLeft(_ count: Int) { pipe?.credit(count) }

  // A stream outlives its exchange by what is still under way on the link: nothing of that is
  // about the connection's next exchange.
  func pipeResumed() {
    if !isOver { connection?.farSideHasRoom() }
  }

  func pipeStopped(_ farewell: Farewell) {
    if !isOver { connection?.farSideTakesNoMore() }
  }

  func pipeReset(_ farewell: Farewell) { fail(Refusal(farewell)) }

  func pipeLost() {
    fail(Refusal(.sessionLost, "The agent went away during the exchange."))
  }

  // MARK: - Ends

  private func finish() {
    guard !isOver, let connection else { return }
    isOver = true
    // What comes behind the answer is nobody's: the stream must not wait for it to be read.
    if !pipeHasEnded || unread.readableBytes > 0 { pipe?.stop(Farewell(.done, blame: .relay)) }
    connection.exchangeEnded(self)
  }

  /// After 101, both ways: nothing more is to be said of it.
  func switchedIsOver() { isOver = true }

  /// Before the answer's head: the refusal is the answer. After it: the client must not take
  /// what it got for the whole.
  private func fail(_ refusal: Refusal) {
    guard !isOver, let connection else { return }
    isOver = true
    record.code = refusal.code.rawValue
    cancel(Farewell(.cancelled, blame: .relay))
    if hasAnswered {
      connection.exchangeBroke(self)
    } else {
      connection.exchangeRefused(self, Problem(refusal))
    }
  }

  /// The client is gone.
  func abandon() {
    guard !isOver else { return }
    isOver = true
    record.code = "client-gone"
    cancel(Farewell(.cancelled, blame: .client))
  }

  func cancel(_ farewell: Farewell) {
    pipe?.stop(farewell)
    pipe?.reset(farewell)
  }
}
