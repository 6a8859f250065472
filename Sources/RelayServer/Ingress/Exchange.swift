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
  private var unread = ByteBuffer()
  private let minorVersion: Int
  private let expectsUpgrade: Bool
  /// The answer's last head is on its way to the client: no refusal can be sent any more.
  private(set) var hasAnswered = false
  private(set) var isRaw = false
  private(set) var endsByClosing = false
  /// A chunked answer for a client of HTTP/1.0.
  private var unchunked: UnchunkedBody?
  /// An edited head that is not written yet: a small body goes with it, in one write.
  private var headOut: ByteBuffer?
  /// What it was made of, to be given back with it.
  private var headOwed = 0
  /// Of a head that is not whole yet.
  private var creditedEarly = 0
  private var isOver: Bool { connection == nil }
  private var pipeHasEnded = false
  let record: ExchangeRecord
  /// The policies that its request met; nil: none.
  var gate: PolicyGate?

  init(
    _ connection: IngressConnection, _ context: RequestContext, record: ExchangeRecord
  ) {
    self.connection = connection
    socket = connection.socket
    self.record = record
    minorVersion = context.minorVersion
    expectsUpgrade = context.upgrade
    connection.answers.expect(context)
  }

  func begin(_ pipe: any Pipe) { self.pipe = pipe }

  /// An upgrade's request has no end of its own: the pipe stays open for what follows the 101.
  var keepsPipeOpen: Bool { expectsUpgrade && !hasAnswered }

  // MARK: - What comes through the pipe

  func pipeData(_ bytes: ByteBuffer, end: Bool) {
    pipeHasEnded = pipeHasEnded || end
    guard let connection else {
      pipe?.credit(bytes.readableBytes)
      return
    }
    if isRaw { return passRaw(bytes, end: end) }
    unread.append(bytes)
    do {
      try readAnswer(connection)
      if end, !isOver {
        if isRaw { return passRaw(ByteBuffer(), end: true) }
        try connection.answers.finish(unread: unread.readableBytes)
        finish()
      }
    } catch {
      fail(
        Refusal(.upstreamInvalid, "The app's answer is no valid HTTP: \(error.sentence)."))
    }
  }

  private func readAnswer(_ connection: IngressConnection) throws(MessageFault) {
    var bytes = ByteBuffer()
    swap(&bytes, &unread)
    defer { putHeadOut() }
    while !isOver {
      switch try connection.answers.next(in: bytes) {
      case .more:
        if bytes.readableBytes > 0 { keep(bytes) }
        return
      case .interim(let length):
        if minorVersion == 1 {
          let isContinue = connection.answers.head.status == 100
          writeHead(connection.answers.head, of: &bytes, close: false)
          if isContinue { connection.continued() }
        } else {
          skip(length, of: &bytes)
        }
      case .head: answer(connection, of: &bytes)
      case .body(let count): pass(count, of: &bytes)
      case .switched: return switchOver(connection, of: &bytes)
      case .end:
        unread = bytes
        putHeadOut()
        return finish()
      }
    }
  }

  /// Half a head.
  private func keep(_ bytes: ByteBuffer) {
    unread = bytes
    guard bytes.readableBytes >= StreamPort.longHead else { return }
    pipe?.credit(bytes.readableBytes - creditedEarly)
    creditedEarly = bytes.readableBytes
  }

  private func answer(_ connection: IngressConnection, of bytes: inout ByteBuffer) {
    let head = connection.answers.head
    let framing = connection.answers.framing
    if minorVersion == 0, framing == .chunked { unchunked = UnchunkedBody() }
    endsByClosing = framing == .untilClose || unchunked != nil
    let close =
      connection.willClose || !connection.requestIsWhole || endsByClosing
      || head.minorVersion == 0
    if close { connection.willClose = true }
    hasAnswered = true
    record.status = head.status
    writeHead(head, of: &bytes, close: close)
    if expectsUpgrade { connection.endRequest() }
  }

  private func switchOver(_ connection: IngressConnection, of bytes: inout ByteBuffer) {
    let head = connection.answers.head
    hasAnswered = true
    isRaw = true
    record.status = head.status
    writeHead(head, of: &bytes, close: false)
    putHeadOut()
    if bytes.readableBytes > 0 { passRaw(bytes, end: false) }
    connection.goesRaw()
  }

  private func writeHead(_ head: ResponseHead, of bytes: inout ByteBuffer, close: Bool) {
    putHeadOut()
    let edits = gate?.responseEdits
    let bound = ResponseEdit.bound(head, edits)
    let behind = bytes.readableBytes - head.length
    var out = socket.buffer(capacity: bound + (behind <= Self.copied ? behind : 0))
    out.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { memory in
      ResponseEdit.write(
        head, bytes.readableBytesUInt8Span, close: close, unchunked: unchunked != nil, edits,
        into: memory)
    }
    bytes.moveReaderIndex(forwardBy: head.length)
    headOut = out
    headOwed = head.length - creditedEarly
    creditedEarly = 0
  }

  private func putHeadOut(owing count: Int = 0) {
    guard let out = headOut else { return }
    headOut = nil
    socket.write(out, owing: headOwed + count, to: self)
  }

  private func skip(_ length: Int, of bytes: inout ByteBuffer) {
    bytes.moveReaderIndex(forwardBy: length)
    pipe?.credit(length - creditedEarly)
    creditedEarly = 0
  }

  private func pass(_ count: Int, of bytes: inout ByteBuffer) {
    guard let body = bytes.readSlice(length: count) else { return }
    record.bytesOut += UInt64(count)
    if let unchunked {
      putHeadOut()
      return unchunked.pass(body, to: socket, creditor: self)
    }
    if count <= Self.copied, headOut != nil {
      headOut?.writeImmutableBuffer(body)
      putHeadOut(owing: count)
    } else {
      putHeadOut()
      socket.write(body, owing: count, to: self)
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
    connection?.farSideHasRoom()
  }

  func pipeStopped(_ farewell: Farewell) {
    connection?.farSideTakesNoMore()
  }

  func pipeReset(_ farewell: Farewell) { fail(Refusal(farewell)) }

  func pipeLost() {
    fail(Refusal(.sessionLost, "The agent went away during the exchange."))
  }

  // MARK: - Ends

  private func finish() {
    guard let connection else { return }
    self.connection = nil
    // What comes behind the answer is nobody's: the stream must not wait for it to be read.
    if !pipeHasEnded || unread.readableBytes > 0 { pipe?.stop(Farewell(.done, blame: .relay)) }
    connection.exchangeEnded(self)
  }

  /// After 101, both ways: nothing more is to be said of it.
  func switchedIsOver() { connection = nil }

  /// Before the answer's head: the refusal is the answer. After it: the client must not take
  /// what it got for the whole.
  private func fail(_ refusal: Refusal) {
    guard let connection else { return }
    self.connection = nil
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
    connection = nil
    record.code = "client-gone"
    cancel(Farewell(.cancelled, blame: .client))
  }

  func cancel(_ farewell: Farewell) {
    pipe?.stop(farewell)
    pipe?.reset(farewell)
  }
}
