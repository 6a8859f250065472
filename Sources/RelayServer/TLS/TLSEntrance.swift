import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// Stands behind NIOSSL on a public connection: lets it in once the handshake is over, which has
/// `limit` from accept (limits.md, "Public side"). A client that does not keep to TLS is closed;
/// that is its own affair, and a line in the log at debug level.
final class TLSEntrance: ChannelInboundHandler, ChannelOutboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let limit: TimeAmount
  private let logger: Logger
  private var enter: ((any Channel) throws -> Void)?
  private var deadline: Scheduled<Void>?

  /// `enter` puts the rest of the pipeline behind this handler.
  static func install(
    _ tls: NIOSSLContext, on channel: any Channel, limit: TimeAmount, logger: Logger,
    enter: @escaping (any Channel) throws -> Void
  ) throws {
    try channel.pipeline.syncOperations.addHandlers(
      PlainHTTPAnswer(logger), NIOSSLServerHandler(context: tls),
      TLSEntrance(limit, logger, enter))
  }

  private init(
    _ limit: TimeAmount, _ logger: Logger, _ enter: @escaping (any Channel) throws -> Void
  ) {
    self.limit = limit
    self.logger = logger
    self.enter = enter
  }

  func channelActive(context: ChannelHandlerContext) {
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
      // Below TLS: there is nobody yet to whom an alert could be said.
      let below = try? context.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
      (below ?? context).close(promise: nil)
    }
    context.read()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent, let enter {
      deadline?.cancel()
      self.enter = nil
      do { try enter(context.channel) } catch { context.close(promise: nil) }
    }
    // The client's close_notify behind ours: NIOSSL closes at once, without a word that the client
    // has ended in order, and what it said last would count as broken off.
    if case .shutdownCompleted? = event as? TLSUserEvent {
      context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }
    context.fireUserInboundEventTriggered(event)
  }

  /// An end without close_notify is no error here: what the messages say of their own length
  /// decides what is whole, as it does without TLS. The end itself follows as an event.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? NIOSSLError, error == .uncleanShutdown { return }
    guard enter == nil else {
      let client = context.remoteAddress?.ipAddress ?? "unknown"
      return logger.debug(
        "no TLS handshake", metadata: ["client": "\(client)", "reason": "\(error)"])
    }
    context.fireErrorCaught(error)
  }

  /// In the loop's next turn: whoever closes as soon as its bytes have left does so inside that
  /// write's completion, where the channel takes no other write, and NIOSSL, once the client has
  /// said its close_notify, closes right behind its own, which would be dropped.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all else { return context.close(mode: mode, promise: promise) }
    context.eventLoop.assumeIsolated().execute { context.close(mode: mode, promise: promise) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    context.fireChannelInactive()
  }
}

/// Tells a client that speaks plain HTTP to a TLS port so, in its own language. Stands before
/// NIOSSL until the first byte has come: no TLS record begins with a letter (RFC 8446, 5.1).
private final class PlainHTTPAnswer: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let answer: String = {
    let body = "This port speaks HTTPS: ask again with https://\n"
    return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
      + "Content-Length: \(body.utf8.count)\r\nTunnel-Error: bad-request\r\n"
      + "Connection: close\r\n\r\n" + body
  }()

  private let logger: Logger
  private var isRefused = false

  init(_ logger: Logger) { self.logger = logger }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isRefused { return }
    let first = unwrapInboundIn(data).readableBytesView.first ?? 0
    guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
      context.fireChannelRead(data)
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
      return
    }
    isRefused = true
    let client = context.remoteAddress?.ipAddress ?? "unknown"
    logger.debug("plain HTTP on the TLS port", metadata: ["client": "\(client)"])
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer))).assumeIsolated()
      .whenComplete { _ in context.close(promise: nil) }
  }
}
