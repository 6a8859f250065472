import Logging
import NIOCore
import NIOSSL
import NIOTLS
import TunnelCore

/// Stands behind NIOSSL on a public connection: lets it in once the handshake is over. A client
/// that does not keep to TLS is closed; that is its own affair, and a line in the log at debug
/// level.
final class HandshakeWatch: ChannelInboundHandler, ChannelOutboundHandler,
  RemovableChannelHandler
{
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let serverName: DomainName?
  private let logger: Logger
  private let deadline: Scheduled<Void>?
  private var enter: ((any Channel, TLSFacts) throws -> Void)?

  /// `deadline` is the handshake's, met or not; `enter` puts the rest of the pipeline in place.
  init(
    _ serverName: DomainName?, _ logger: Logger, _ deadline: Scheduled<Void>?,
    _ enter: @escaping (any Channel, TLSFacts) throws -> Void
  ) {
    self.serverName = serverName
    self.logger = logger
    self.deadline = deadline
    self.enter = enter
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent, let enter {
      deadline?.cancel()
      self.enter = nil
      do {
        try enter(context.channel, TLSFacts(serverName: serverName, negotiated: negotiated))
      } catch {
        context.close(promise: nil)
      }
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
