import HTTPMessage
import NIOCore
import NIOHPACK
import NIOHTTP2
import SessionLink
import TunnelCore

/// Stands between one HTTP/2 stream and the ingress, which reads and writes HTTP/1.1 there: the
/// request becomes one canonical message, the answer becomes frames.
///
/// Belongs to its stream's channel, on the relay's event loop.
final class StreamTranslator: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = HTTP2Frame.FramePayload

  /// Answers what is no request, in place of reading it.
  var refuse: (Refusal) -> Void = { _ in }
  /// Bytes of the answer that wait: for the client's window, or for the connection.
  private(set) var waiting = 0
  /// Frames of it that wait.
  private var unsent = 0
  private let gate: FrameGuard
  private let stream: UInt32
  private var body: CanonicalRequest.Body?
  private var answer = AnswerFrames(isHead: false)
  /// The client has ended its side.
  private var isWhole = false
  private var isReset = false
  /// The client is told to say no more once the answer has left.
  private var endsRequest = false
  private var lastWrite: EventLoopFuture<Void>?

  init(_ gate: FrameGuard, stream: UInt32) {
    self.gate = gate
    self.stream = stream
  }

  // MARK: - The request

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do throws(Refusal) {
      switch unwrapInboundIn(data) {
      case .headers(let part) where body == nil:
        // NIOHTTP2 shows a request that is reset already before it ends its stream.
        if gate.resets.contains(stream) { return }
        isWhole = part.endStream
        try begin(part.headers, context)
      case .headers(let part):
        isWhole = true
        try end(part.headers, context)
      case .data(let part):
        isWhole = part.endStream
        // Padding counts as the frame's, and so does the byte that says how long it is.
        let padding = part.paddingBytes.map { $0 + 1 } ?? 0
        gate.passed(part.data.readableBytes + padding, of: stream)
        if case .byteBuffer(let bytes) = part.data { pass(bytes, context) }
        if isWhole { try end(nil, context) }
      default: break
      }
    } catch {
      // What still comes of it is nobody's.
      body = CanonicalRequest.Body.none
      refuse(error)
    }
  }

  private func begin(_ fields: HPACKHeaders, _ context: ChannelHandlerContext) throws(Refusal) {
    body = CanonicalRequest.Body.none
    answer = AnswerFrames(isHead: fields.first(name: ":method") == "HEAD")
    let request = try CanonicalRequest(fields, isWhole: isWhole)
    body = request.body
    context.fireChannelRead(wrapInboundOut(request.bytes))
  }

  private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard bytes.readableBytes > 0 else { return }
    switch body {
    case .plain?: context.fireChannelRead(wrapInboundOut(bytes))
    case .chunked?:
      let size = String(bytes.readableBytes, radix: 16)
      var chunk = context.channel.allocator.buffer(capacity: bytes.readableBytes + size.count + 4)
      chunk.writeString("\(size)\r\n")
      chunk.writeImmutableBuffer(bytes)
      chunk.writeString("\r\n")
      context.fireChannelRead(wrapInboundOut(chunk))
    case CanonicalRequest.Body.none?, nil: break
    }
  }

  /// Trailers behind a body of known length are dropped, as RFC 9110, section 6.5.1, allows.
  private func end(
    _ trailers: HPACKHeaders?, _ context: ChannelHandlerContext
  ) throws(Refusal) {
    guard body == .chunked else { return }
    context.fireChannelRead(wrapInboundOut(try CanonicalRequest.end(trailers)))
  }

  // MARK: - The answer

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    answer.receive(unwrapOutboundIn(data))
    do throws(MessageFault) {
      while let payload = try answer.next() { send(payload, context) }
      guard let promise else { return }
      // Whatever was written before it has to leave before it, too.
      if let lastWrite { lastWrite.cascade(to: promise) } else { promise.succeed() }
    } catch {
      promise?.fail(error)
      fail(context)
    }
  }

  private func send(_ payload: HTTP2Frame.FramePayload, _ context: ChannelHandlerContext) {
    let promise = context.eventLoop.makePromise(of: Void.self)
    lastWrite = promise.futureResult
    var count = 0
    if case .data(let part) = payload {
      count = part.data.readableBytes
      gate.sentData()
    }
    waiting += count
    unsent += 1
    promise.futureResult.assumeIsolated().whenComplete { _ in
      self.waiting -= count
      self.unsent -= 1
      if self.unsent == 0, self.endsRequest { self.reset(.noError, context) }
    }
    context.write(wrapOutboundOut(payload), promise: promise)
  }

  func triggerUserOutboundEvent(
    context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
  ) {
    if event is ClosesByReset { fail(context) }
    context.triggerUserOutboundEvent(event, promise: promise)
  }

  func close(
    context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
  ) {
    if !isReset, let last = answer.end() {
      send(last, context)
      context.flush()
    }
    // RFC 9113, section 8.1: an answer before the request's end tells the client to say no more.
    endsRequest = answer.isOver && !isWhole
    if endsRequest, unsent == 0 { reset(.noError, context) }
    if mode == .output {
      promise?.succeed()
    } else {
      if !answer.isOver { fail(context) }
      context.close(mode: mode, promise: promise)
    }
  }

  /// Half an answer must not look like a whole one.
  private func fail(_ context: ChannelHandlerContext) { reset(.internalError, context) }

  private func reset(_ code: HTTP2ErrorCode, _ context: ChannelHandlerContext) {
    if isReset { return }
    isReset = true
    context.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
  }
}
