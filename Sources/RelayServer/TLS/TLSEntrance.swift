import Logging
import NIOCore
import NIOSSL
import NIOTLS
import TunnelCore

/// What TLS knows of a public connection.
struct TLSFacts: Sendable, Equatable {
  /// The name that the client asked for (SNI), if it was a domain's.
  let serverName: DomainName?
  /// What ALPN agreed on; nil where the client offered nothing that is spoken here.
  let negotiated: String?
}

/// Stands first on a public connection until the client's hello is whole: asks which certificate it
/// is for, puts NIOSSL with that one behind itself, shows it the same bytes, and goes. TLS has
/// `limit` from accept until the end of its handshake (limits.md, "Public side").
///
/// Clients that speak plain HTTP are found out by their first byte, for no TLS record begins with a
/// letter (RFC 8446, 5.1): they are let in where that was asked for (`--plain-http`), or told so in
/// their own language.
final class TLSEntrance: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Where the ways lead from here.
  struct Ways {
    /// The certificate for a client's hello: the seam for one that is made on demand, or answers a
    /// challenge (RFC 8737), which its ALPN names. Nil closes the connection.
    let certificate: (ClientHello) -> NIOSSLContext?
    /// Puts the rest of the pipeline in place, once the handshake is over.
    let enter: (any Channel, TLSFacts) throws -> Void
    /// The same for plain HTTP; nil refuses it.
    let plain: ((any Channel) throws -> Void)?
  }

  private let ways: Ways
  private let limit: TimeAmount
  private let logger: Logger
  private var deadline: Scheduled<Void>?
  private var reader = ClientHelloReader()
  private var unread = ByteBuffer()
  private var isOver = false

  static func install(
    _ ways: Ways, on channel: any Channel, limit: TimeAmount, logger: Logger
  ) throws {
    try channel.pipeline.syncOperations.addHandler(TLSEntrance(ways, limit, logger))
  }

  private init(_ ways: Ways, _ limit: TimeAmount, _ logger: Logger) {
    self.ways = ways
    self.limit = limit
    self.logger = logger
  }

  func channelActive(context: ChannelHandlerContext) {
    let channel = context.channel
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
      // Below TLS: there is nobody yet to whom an alert could be said.
      let pipeline = channel.pipeline.syncOperations
      guard let below = try? pipeline.context(handlerType: NIOSSLHandler.self) else {
        return channel.close(promise: nil)
      }
      below.close(promise: nil)
    }
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isOver { return }
    unread.writeImmutableBuffer(unwrapInboundIn(data))
    let first = unread.readableBytesView.first ?? 0
    if (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) { return plainHTTP(context) }
    // A span of a property would not live long enough for an optimised build.
    let bytes = unread
    do throws(ClientHelloFault) {
      if let hello = try reader.read(bytes.readableBytesUInt8Span) { goOn(context, hello) }
    } catch {
      refuse(context, error)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if !isOver { context.read() }
    context.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Half a hello, and no more to come.
    if case .inputClosed? = event as? ChannelEvent, !isOver { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    context.fireChannelInactive()
  }

  private func goOn(_ context: ChannelHandlerContext, _ hello: ClientHello) {
    guard let certificate = ways.certificate(hello) else { return context.close(promise: nil) }
    isOver = true
    let watch = HandshakeWatch(hello.serverName, logger, deadline, ways.enter)
    replace(context) { pipeline in
      try pipeline.addHandlers(
        NIOSSLServerHandler(context: certificate), watch, position: .after(self))
    }
  }

  /// Its place goes to what `body` puts there, which gets all bytes that came.
  private func replace(
    _ context: ChannelHandlerContext,
    _ body: (ChannelPipeline.SynchronousOperations) throws -> Void
  ) {
    let pipeline = context.pipeline.syncOperations
    do {
      try body(pipeline)
      let bytes = unread
      unread = ByteBuffer()
      context.fireChannelRead(NIOAny(bytes))
      pipeline.removeHandler(context: context, promise: nil)
    } catch {
      context.close(promise: nil)
    }
  }

  // MARK: - Who is not let in, or not by TLS

  private func refuse(_ context: ChannelHandlerContext, _ fault: ClientHelloFault) {
    note(context, "no TLS handshake", "\(fault)")
    // A fatal alert in a record of its own (RFC 8446, sections 5.1 and 6).
    end(context, with: ByteBuffer(bytes: [21, 3, 1, 0, 2, 2, fault.alert]))
  }

  private static let answer: String = {
    let body = "This port speaks HTTPS: ask again with https://\n"
    return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
      + "Content-Length: \(body.utf8.count)\r\nTunnel-Error: bad-request\r\n"
      + "Connection: close\r\n\r\n" + body
  }()

  private func plainHTTP(_ context: ChannelHandlerContext) {
    guard let plain = ways.plain else {
      note(context, "plain HTTP on the TLS port")
      return end(context, with: ByteBuffer(string: Self.answer))
    }
    isOver = true
    deadline?.cancel()
    replace(context) { _ in try plain(context.channel) }
  }

  private func end(_ context: ChannelHandlerContext, with answer: ByteBuffer) {
    isOver = true
    context.writeAndFlush(wrapOutboundOut(answer)).assumeIsolated().whenComplete { _ in
      context.close(promise: nil)
    }
  }

  private func note(
    _ context: ChannelHandlerContext, _ message: Logger.Message, _ reason: String? = nil
  ) {
    let client = context.remoteAddress?.ipAddress ?? "unknown"
    var metadata: Logger.Metadata = ["client": "\(client)"]
    if let reason { metadata["reason"] = "\(reason)" }
    logger.debug(message, metadata: metadata)
  }
}
