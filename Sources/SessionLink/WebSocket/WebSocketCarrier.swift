import Multiplexer
import NIOCore
import NIOWebSocket
import TunnelCore

/// Why a WebSocket that carries a link was ended; the peer's blame, but for `closed`.
package enum WebSocketFault: Error, Equatable, Sendable {
  /// A client's frame without a mask, or a server's with one (RFC 6455, section 5.1).
  case mask
  /// Text: a link is bytes.
  case text
  /// Reserved bits or a reserved opcode; no extension was agreed on.
  case reserved
  /// A continuation of nothing, or a new message inside another.
  case order
  /// Longer than `WebSocketCarrier.longestFrame`, or a malformed control frame.
  case frame
  /// Too many frames a second that carry nothing of the link.
  case flood
}

/// Carries a link's bytes in binary WebSocket messages (RFC 6455), both roles: stands right in
/// front of the `Link`, bytes on that side, WebSocket frames on the other. Flushes, reads and
/// writability pass untouched, so that the link's back-pressure is the socket's.
///
/// A ping is answered, the latest one only while the peer does not read; a close is answered and
/// ends the connection; whatever is against the rules is told to the link as an error, and the
/// link's closing sends the close code that fits. Belongs to its channel's event loop.
final class WebSocketCarrier: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = WebSocketFrame

  /// Bytes of a peer's frame: a frame is kept until it is whole.
  static let longestFrame = 1 << 20
  /// Bytes of a message of ours: some paths end a connection over larger ones.
  static let cut = 64 << 10

  private let role: Session.Role
  private let decoder: ByteToMessageHandler<WebSocketFrameDecoder>
  private var isInMessage = false
  private var isClosing = false
  private var closeCode = WebSocketErrorCode.normalClosure
  /// The data of a ping that is not answered yet.
  private var owedPong: ByteBuffer?
  /// For pings, pongs and empty messages, as a link has it for frames that ask for nothing.
  private var idle = Session.Limits().idle

  /// Puts the carrier at the end of the pipeline; the link comes next.
  static func install(on channel: any Channel, role: Session.Role) throws -> WebSocketCarrier {
    let decoder = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: longestFrame))
    let carrier = WebSocketCarrier(role, decoder)
    try channel.pipeline.syncOperations.addHandlers(WebSocketFrameEncoder(), decoder, carrier)
    return carrier
  }

  private init(
    _ role: Session.Role, _ decoder: ByteToMessageHandler<WebSocketFrameDecoder>
  ) {
    self.role = role
    self.decoder = decoder
  }

  /// What came right behind the handshake, once the link stands behind this handler.
  func take(_ rest: ByteBuffer, on channel: any Channel) throws {
    let context = try channel.pipeline.syncOperations.context(handler: decoder)
    decoder.channelRead(context: context, data: NIOAny(rest))
  }

  // MARK: - Frames of the peer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isClosing else { return }
    let frame = unwrapInboundIn(data)
    guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return refuse(.reserved, context) }
    guard (frame.maskKey != nil) == (role == .relay) else { return refuse(.mask, context) }
    guard carriesSomething(frame) || idle.take(at: Moment.now.nanoseconds) else {
      return refuse(.flood, context)
    }
    switch frame.opcode {
    case .binary, .continuation:
      guard (frame.opcode == .continuation) == isInMessage else { return refuse(.order, context) }
      isInMessage = !frame.fin
      let bytes = frame.unmaskedData
      if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
    case .ping:
      owedPong = frame.unmaskedData
      answerPing(context)
    case .pong: break
    case .connectionClose: context.channel.close(promise: nil)
    case .text: refuse(.text, context)
    default: refuse(.reserved, context)
    }
  }

  private func carriesSomething(_ frame: WebSocketFrame) -> Bool {
    switch frame.opcode {
    case .binary, .continuation: frame.length > 0
    default: false
    }
  }

  private func refuse(_ fault: WebSocketFault, _ context: ChannelHandlerContext) {
    guard !isClosing else { return }
    closeCode =
      switch fault {
      case .text: .unacceptableData
      case .flood: .policyViolation
      default: .protocolError
      }
    context.fireErrorCaught(fault)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? NIOWebSocketError else {
      return context.fireErrorCaught(error)
    }
    if case .invalidFrameLength = error {
      closeCode = .messageTooLarge
    } else {
      closeCode = .protocolError
    }
    context.fireErrorCaught(WebSocketFault.frame)
  }

  private func answerPing(_ context: ChannelHandlerContext) {
    guard context.channel.isWritable, let data = owedPong else { return }
    owedPong = nil
    context.writeAndFlush(wrapOutboundOut(frame(.pong, data)), promise: nil)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    answerPing(context)
    context.fireChannelWritabilityChanged()
  }

  // MARK: - Bytes of the link

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isClosing else {
      promise?.fail(ChannelError.outputClosed)
      return
    }
    var bytes = unwrapOutboundIn(data)
    while bytes.readableBytes > Self.cut, let part = bytes.readSlice(length: Self.cut) {
      context.write(wrapOutboundOut(frame(.binary, part)), promise: nil)
    }
    context.write(wrapOutboundOut(frame(.binary, bytes)), promise: promise)
  }

  /// The connection ends with a close frame, whoever ends it.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if !isClosing, mode == .all, context.channel.isActive {
      isClosing = true
      var code = context.channel.allocator.buffer(capacity: 2)
      code.write(webSocketErrorCode: closeCode)
      context.writeAndFlush(wrapOutboundOut(frame(.connectionClose, code)), promise: nil)
    }
    context.close(mode: mode, promise: promise)
  }

  private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(
      fin: true, opcode: opcode, maskKey: role == .agent ? .random() : nil, data: data)
  }
}
