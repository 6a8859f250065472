import HTTPMessage
import NIOCore

/// Reads one answer strictly; a 101 leaves the connection to the caller.
final class AnswerHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let longestBody = 1 << 20
  private let request: ByteBuffer
  private let carrier: Carrier?
  private let answer: EventLoopPromise<DialAnswer>
  private var reader = ResponseReader()
  private var unread = ByteBuffer()
  private var body = ByteBuffer()
  private var isRelays = false
  private var isDone = false

  init(_ request: ByteBuffer, over carrier: Carrier?, answer: EventLoopPromise<DialAnswer>) {
    self.request = request
    self.carrier = carrier
    self.answer = answer
    reader.expect(RequestContext(isHead: false, upgrade: carrier != nil, minorVersion: 1))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(request), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unread.writeImmutableBuffer(unwrapInboundIn(data))
    do { try read(context) } catch { fail("its answer is no valid HTTP: \(error)", context) }
  }

  private func read(_ context: ChannelHandlerContext) throws(MessageFault) {
    while !isDone {
      switch try reader.next(in: unread) {
      case .more: return
      case .interim(let length): unread.moveReaderIndex(forwardBy: length)
      case .head(let length):
        isRelays = !values("tunnel-error").isEmpty && !isStripped
        unread.moveReaderIndex(forwardBy: length)
      case .body(let count):
        if let bytes = unread.readSlice(length: count) { body.writeImmutableBuffer(bytes) }
        if body.readableBytes > Self.longestBody {
          return fail("its answer is too long", context)
        }
      case .switched(let length): switched(length, context)
      case .end: finish(context)
      }
    }
  }

  /// The relay was not asked what this agent asked: its 426 offers the very thing, or the field
  /// that says so was lost on the way back too.
  private var isStripped: Bool {
    guard reader.head.status == 426, let carrier else { return false }
    let offers = values("upgrade").joined(separator: ",").lowercased()
      .split { ", \t".contains($0) }
    let asked = carrier == .raw ? Handshake.token : Handshake.webSocket
    return offers.isEmpty || offers.contains { $0 == asked }
  }

  /// Of the head at the reader index.
  private func values(_ name: String) -> [String] {
    reader.head.fields.filter { unread.text($0.name).lowercased() == name }
      .map { unread.text($0.value) }
  }

  private func switched(_ length: Int, _ context: ChannelHandlerContext) {
    guard let carrier, Handshake.isAccepted(carrier, by: reader.head, in: unread) else {
      return fail("it switched to another protocol than the one that was offered", context)
    }
    isDone = true
    unread.moveReaderIndex(forwardBy: length)
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
    answer.succeed(.switched(context.channel, rest: unread))
  }

  private func finish(_ context: ChannelHandlerContext) {
    isDone = true
    let whole = reader.framing == .chunked ? body.withoutChunkFrames() : body
    answer.succeed(.message(status: reader.head.status, body: whole, isRelays: isRelays))
    context.close(promise: nil)
  }

  private func fail(_ why: String, _ context: ChannelHandlerContext) {
    isDone = true
    answer.fail(DialFault.broken(why))
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !isDone { fail("the connection broke", context) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    guard !isDone else { return }
    do {
      try reader.finish(unread: unread.readableBytes)
      finish(context)
    } catch {
      fail("the connection ended before its answer", context)
    }
  }
}

extension ByteBuffer {
  /// The data of a chunked body (RFC 9112 section 7.1) that a reader has found to be whole.
  fileprivate func withoutChunkFrames() -> ByteBuffer {
    var (rest, data) = (self, ByteBuffer())
    while let line = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
      let size = rest.readString(length: line + 1 - rest.readerIndex) ?? ""
      guard let count = Int(size.prefix { $0.isHexDigit }, radix: 16), count > 0,
        let chunk = rest.readSlice(length: count)
      else { break }
      data.writeImmutableBuffer(chunk)
      rest.moveReaderIndex(forwardBy: min(2, rest.readableBytes))
    }
    return data
  }
}
