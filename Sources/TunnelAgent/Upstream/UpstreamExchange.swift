import HTTPMessage
import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// One request on its way to the app and the answer on its way back: the bytes of the stream are
/// checked, not changed. Refuses by code; never writes an HTTP error of its own.
///
/// Lives until both halves of its stream are over. Belongs to the agent's event loop.
final class UpstreamExchange: PipeEnd, Creditor {
  /// A request up to this size is kept until the first byte of the answer, to go once more.
  private static let keptForRetry = 64 << 10

  let port: any Pipe
  let pool: UpstreamPool
  let loop: any EventLoop
  let finished: (UpstreamExchange) -> Void
  var report: RequestReport
  private let began = Moment.now
  /// Its line was written, or is about to be.
  private(set) var isReported = false
  var reader = RequestReader(limits: .edited)
  private var unread = ByteBuffer()
  var connection: UpstreamConnection?
  private var unwritten = ByteBuffer()
  /// Taken from the stream and not yet given back as credit.
  var uncredited = 0
  var again: ByteBuffer?
  private var isSafe = false
  var requestIsWhole = false
  var answerHasBegun = false
  var isRaw = false
  var rawEnds = (relay: false, app: false)
  var isOver = false
  var timer: LazyDeadline?
  private let responseTimeout: TimeAmount?

  init(
    _ port: any Pipe, id: ID, receivedAt: UInt64, pool: UpstreamPool, loop: any EventLoop,
    responseTimeout: TimeAmount?, finished: @escaping (UpstreamExchange) -> Void
  ) {
    self.port = port
    self.pool = pool
    self.loop = loop
    self.finished = finished
    self.responseTimeout = responseTimeout
    report = RequestReport(id: id, receivedAt: receivedAt)
  }

  // MARK: - The request, from the stream

  func pipeData(_ bytes: ByteBuffer, end: Bool) {
    if isOver { return }
    uncredited += bytes.readableBytes
    if isRaw { return passRaw(bytes, end: end) }
    unread.append(bytes)
    do {
      try readRequest()
    } catch {
      return fail(.badMessage, .relay, "the relay sent no valid request: \(error.sentence)")
    }
    if end, !requestIsWhole, !isRaw {
      fail(.badMessage, .relay, "the relay sent half a request")
    }
  }

  private func readRequest() throws(MessageFault) {
    var rest = ByteBuffer()
    swap(&rest, &unread)
    let all = rest
    var began = false
    reading: while !requestIsWhole {
      switch try reader.next(in: rest) {
      case .more:
        if rest.readableBytes >= StreamPort.longHead { bytesLeft(uncredited) }
        break reading
      case .head(let length):
        noteHead(rest)
        began = true
        rest.moveReaderIndex(forwardBy: length)
      case .body(let length): rest.moveReaderIndex(forwardBy: length)
      case .end: requestIsWhole = true
      }
    }
    if requestIsWhole, rest.readableBytes > 0 { throw .malformed(.unasked) }
    let bytes = all.before(rest)
    if rest.readableBytes > 0 { unread = rest }
    if bytes.readableBytes > 0 { keepForRetry(bytes) }
    if began { findConnection() }
    if bytes.readableBytes > 0 { write(bytes) }
    if requestIsWhole { connection?.socket.flush() }
  }

  private func noteHead(_ bytes: ByteBuffer) {
    let head = reader.head
    bytes.withUnsafeReadableBytes { bytes in
      report.asked(bytes, method: head.methodRange.range, target: head.target.range)
    }
    isSafe =
      [.get, .head, .options].contains(head.method) && head.framing == .none && !head.upgrade
    again = head.method.isIdempotent && !head.upgrade ? ByteBuffer() : nil
  }

  private func keepForRetry(_ bytes: ByteBuffer) {
    guard let kept = again, !answerHasBegun else { return }
    if kept.readableBytes + bytes.readableBytes > Self.keptForRetry {
      again = nil
    } else if kept.readableBytes == 0 {
      again = bytes
    } else {
      again?.writeImmutableBuffer(bytes)
    }
  }

  func write(_ bytes: ByteBuffer) {
    guard let connection else {
      unwritten.writeImmutableBuffer(bytes)
      return
    }
    connection.socket.write(bytes, owing: bytes.readableBytes, to: self)
  }

  /// A request that goes once more leaves twice; it is given back once.
  func bytesLeft(_ count: Int) {
    let due = min(count, uncredited)
    uncredited -= due
    if due > 0 { port.credit(due) }
  }

  /// Tells of the exchange, once: an answer's head is its answer.
  func tellOnce() {
    guard !isReported else { return }
    isReported = true
    report.milliseconds = Moment.now.microseconds(since: began) / 1_000
    finished(self)
  }

  // MARK: - The connection

  private func findConnection() {
    if reader.head.minorVersion == 1, let pooled = pool.takeIdle(forSafe: isSafe) {
      return use(pooled)
    }
    connect()
  }

  func connect() {
    pool.connect { result in
      switch result {
      case .success(let connection):
        if self.isOver { connection.close() } else { self.use(connection) }
      case .failure(let fault):
        let address = "\(self.pool.host):\(self.pool.port)"
        self.fail(.upstreamRefused, .upstream, "nothing answers at \(address) (\(fault.text))")
      }
    }
  }

  private func use(_ connection: UpstreamConnection) {
    self.connection = connection
    connection.lend(to: self)
    connection.answers.expect(reader.head.context)
    if let responseTimeout, !answerHasBegun { limitAnswer(responseTimeout) }
    guard unwritten.readableBytes > 0 else { return }
    let bytes = unwritten
    unwritten = ByteBuffer()
    write(bytes)
  }

  private func limitAnswer(_ limit: TimeAmount) {
    timer = LazyDeadline { [weak self] in
      guard let self, !self.isReported else { return }
      self.fail(
        .upstreamTimeout, .upstream, "no answer within \(limit.nanoseconds / 1_000_000_000) s")
    }
    timer?.set(limit, on: loop)
  }
}
