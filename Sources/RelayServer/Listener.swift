import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// The relay's one public socket, with TLS where there is a certificate; and beside it, where that
/// was asked for, one that sends visitors without TLS on to it.
enum Listener {
  static let backlog: Int32 = 1_024
  private static let acceptedInTurn: Int32 = 16
  /// After so many turns of the loop nobody waits who knocked before.
  static let turnsToEmpty = backlog / acceptedInTurn + 1

  /// Accepts on the sockets that were inherited, else on the address of the settings.
  static func open(
    _ settings: ServeSettings, _ inherited: [Int32], _ core: NIOLoopBound<RelayCore>,
    on loop: any EventLoop
  ) async throws -> [any Channel] {
    let takesPlain = settings.takesPlainHTTP
    let bootstrap = bootstrap(settings.listen, core, on: loop) { channel, core in
      core.open.accepted(channel)
      try accept(channel, core, takesPlain: takesPlain)
    }
    let channels = try await sockets(bootstrap, settings.listen, inherited)
    // Port 0 took a free one. Who is in already asks for no URL before it has logged in.
    if let port = channels.first?.localAddress?.port {
      try await loop.submit { core.value.hub.urls.listens(on: port) }.get()
    }
    return channels
  }

  /// The same for the listener that redirects. Its connections hold up no drain: an answer of
  /// theirs is out at once.
  static func openRedirect(
    _ address: ListenAddress, _ inherited: [Int32], _ core: NIOLoopBound<RelayCore>,
    on loop: any EventLoop
  ) async throws -> [any Channel] {
    let bootstrap = bootstrap(address, core, on: loop) { channel, core in
      try channel.pipeline.syncOperations.addHandler(RedirectConnection(core))
    }
    return try await sockets(bootstrap, address, inherited)
  }

  private static func sockets(
    _ bootstrap: ServerBootstrap, _ address: ListenAddress, _ inherited: [Int32]
  ) async throws -> [any Channel] {
    var channels: [any Channel] = []
    for socket in inherited {
      channels.append(try await bootstrap.withBoundSocket(socket).get())
      // NIO has listened anew, with a backlog of its own.
      Glibc.listen(socket, backlog)
    }
    if channels.isEmpty {
      channels = [try await bootstrap.bind(host: address.host, port: address.port).get()]
    }
    return channels
  }

  private static func bootstrap(
    _ address: ListenAddress, _ core: NIOLoopBound<RelayCore>, on loop: any EventLoop,
    accept: @escaping @Sendable (any Channel, RelayCore) throws -> Void
  ) -> ServerBootstrap {
    var bootstrap = ServerBootstrap(group: loop)
    // `[::]` is IPv4 too, whatever the machine's own habit (RFC 3493, section 5.3).
    if address.host == "::" {
      bootstrap = bootstrap.serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 0)
    }
    return accepting(bootstrap, core, accept)
  }

  /// `accept` makes of each new channel what it is, on the relay's loop; one that it throws for is
  /// closed.
  static func accepting(
    _ bootstrap: ServerBootstrap, _ core: NIOLoopBound<RelayCore>,
    _ accept: @escaping @Sendable (any Channel, RelayCore) throws -> Void
  ) -> ServerBootstrap {
    bootstrap
      .serverChannelOption(.backlog, value: backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: UInt(acceptedInTurn))
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause(core.value.door))
        }
      }
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try core.value.door.enter(channel)
          try accept(channel, core.value)
        }
      }
  }

  private static func accept(
    _ channel: any Channel, _ core: RelayCore, takesPlain: Bool
  ) throws {
    guard core.certificates != nil else { return try enter(channel, core, nil) }
    let ways = TLSEntrance.Ways(
      certificate: { hello in core.certificates?.certificate(for: hello).context },
      enter: { channel, facts in try enter(channel, core, facts) },
      plain: takesPlain ? { channel in try enter(channel, core, nil) } : nil)
    try TLSEntrance.install(
      ways, on: channel, limit: core.limits.handshake, logger: core.hub.logger)
  }

  /// `facts` is what TLS knows; nil without it.
  private static func enter(
    _ channel: any Channel, _ core: RelayCore, _ facts: TLSFacts?
  ) throws {
    let peer = ClientAddress(channel.remoteAddress, facts, trusting: core.proxies)
    if peer.speaksHTTP2 { return try HTTP2Connection.install(core, on: channel, peer: peer) }
    let socket = JoinedSocket(flusher: core.flusher, below: peer.isSecure ? .tls : .socket)
    socket.writeLimit = core.limits.clientWrite
    let connection = IngressConnection(core, socket, peer: peer)
    core.open.entered(connection, on: channel)
    try channel.pipeline.syncOperations.addHandler(socket)
  }
}
