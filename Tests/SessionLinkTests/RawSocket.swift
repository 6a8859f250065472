import NIOCore
import NIOPosix

/// A plain TCP peer for tests: sends what it is told, keeps what comes.
final class RawSocket: Sendable {
  let channel: any Channel
  let inbox: ByteInbox

  private init(_ channel: any Channel, _ inbox: ByteInbox) {
    self.channel = channel
    self.inbox = inbox
  }

  /// `window` bytes of receive buffer make a peer that is soon full; `reads` false one that
  /// takes nothing until `read()`. `greeting` leaves as soon as it is connected, whatever else
  /// the machine has to do.
  static func connect(
    _ host: String = "127.0.0.1", port: Int, reads: Bool = true, window: Int? = nil,
    greeting: String? = nil
  ) async throws -> RawSocket {
    let inbox = ByteInbox()
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.autoRead, value: reads)
    if let window {
      bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(window))
    }
    let channel = try await bootstrap.channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(RawHandler(inbox, greeting))
      }
    }.connect(host: host, port: port).get()
    return RawSocket(channel, inbox)
  }

  fileprivate static func accepted(_ channel: any Channel) throws -> RawSocket {
    let inbox = ByteInbox()
    try channel.pipeline.syncOperations.addHandler(RawHandler(inbox))
    return RawSocket(channel, inbox)
  }

  var localPort: Int { channel.localAddress?.port ?? 0 }

  func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  /// Sends without waiting until it has left.
  func push(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

  func until(_ marker: String) async throws -> String { try await inbox.until(marker) }

  /// From here on it takes what comes.
  func read() async throws { try await channel.setOption(.autoRead, value: true).get() }

  func endOutput() async throws { try await channel.close(mode: .output) }

  func close() async throws { try await channel.close() }

  /// Ends with a TCP reset.
  func reset() async throws {
    let options = channel as? any SocketOptionProvider
    try await options?.setSoLinger(.init(l_onoff: 1, l_linger: 0)).get()
    try await channel.close()
  }
}

/// Accepts plain TCP peers for tests.
final class RawListener: Sendable {
  let channel: any Channel
  private let accepted: Mailbox<RawSocket>

  private init(_ channel: any Channel, _ accepted: Mailbox<RawSocket>) {
    self.channel = channel
    self.accepted = accepted
  }

  /// `prepare` puts what a peer needs in front of its bytes into its pipeline.
  static func bind(
    _ host: String = "127.0.0.1", port: Int = 0,
    prepare: (@Sendable (any Channel) throws -> Void)? = nil
  ) async throws -> RawListener {
    let accepted = Mailbox<RawSocket>()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try prepare?(channel)
          accepted.put(try RawSocket.accepted(channel))
        }
      }
      .bind(host: host, port: port).get()
    return RawListener(channel, accepted)
  }

  var port: Int { channel.localAddress?.port ?? 0 }

  func accept() async throws -> RawSocket { try await accepted.next() }

  /// Connections that nobody has taken with `accept`.
  var unclaimed: Int { accepted.waiting.count }

  func close() async throws { try await channel.close() }
}

private final class RawHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private let inbox: ByteInbox
  private let greeting: String?

  init(_ inbox: ByteInbox, _ greeting: String? = nil) {
    self.inbox = inbox
    self.greeting = greeting
  }

  func channelActive(context: ChannelHandlerContext) {
    guard let greeting else { return }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    inbox.add(unwrapInboundIn(data))
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { inbox.end(.end) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    inbox.end(.reset)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { inbox.end(.end) }
}
