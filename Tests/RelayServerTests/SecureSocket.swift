import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

extension TLSConfiguration {
  /// A client that trusts the tests' certificate, and no other.
  static var forTests: TLSConfiguration {
    get throws {
      var settings = TLSConfiguration.makeClientConfiguration()
      let root = try NIOSSLCertificate(bytes: Array(TestCertificate.certificate.utf8), format: .pem)
      settings.trustRoots = .certificates([root])
      settings.applicationProtocols = ["http/1.1"]
      return settings
    }
  }
}

/// A TLS peer for tests. Its inbox ends with `.end` only where a close_notify said so: `.lost` is
/// an end without one, `.reset` a connection that broke.
final class SecureSocket: Sendable {
  let channel: any Channel
  let inbox: ByteInbox
  /// What ALPN agreed on; the first thing there, or the handshake's failure as `nil`.
  let handshake: Mailbox<String?>

  private init(_ channel: any Channel, _ inbox: ByteInbox, _ handshake: Mailbox<String?>) {
    self.channel = channel
    self.inbox = inbox
    self.handshake = handshake
  }

  static func connect(
    _ host: String = "127.0.0.1", port: Int, _ settings: TLSConfiguration,
    name: String? = RunningRelay.base
  ) async throws -> SecureSocket {
    let inbox = ByteInbox()
    let handshake = Mailbox<String?>()
    let context = try NIOSSLContext(configuration: settings)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let tls = try NIOSSLClientHandler(context: context, serverHostname: name)
          try channel.pipeline.syncOperations.addHandlers(tls, SecureHandler(inbox, handshake))
        }
      }.connect(host: host, port: port).get()
    return SecureSocket(channel, inbox, handshake)
  }

  func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  func push(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

  func until(_ marker: String) async throws -> String { try await inbox.until(marker) }

  /// Says close_notify and ends the TCP connection's half.
  func endOutput() async throws { try await channel.close(mode: .output) }

  /// Ends the TCP connection's half without a word of TLS.
  func breakOutput() async throws {
    let channel = channel
    try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
        .close(mode: .output, promise: nil)
    }.get()
  }

  func close() async throws { try await channel.close() }
}

private final class SecureHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let inbox: ByteInbox
  private let handshake: Mailbox<String?>

  init(_ inbox: ByteInbox, _ handshake: Mailbox<String?>) {
    self.inbox = inbox
    self.handshake = handshake
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    inbox.add(unwrapInboundIn(data))
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { inbox.end(.end) }
    switch event as? TLSUserEvent {
    case .handshakeCompleted(let agreed): handshake.put(agreed)
    // Both have said close_notify; the connection is closed before `inputClosed` is told.
    case .shutdownCompleted: inbox.end(.end)
    case nil: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error as? NIOSSLError {
    case .uncleanShutdown: inbox.end(.lost)
    case .handshakeFailed:
      handshake.put(nil)
      inbox.end(.reset)
    default: inbox.end(.reset)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { inbox.end(.lost) }
}
