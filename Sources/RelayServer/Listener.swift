import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// The relay's one public socket, with TLS where there is a certificate.
enum Listener {
  private static let backlog: Int32 = 1_024
  private static let acceptedInTurn: Int32 = 16
  /// After so many turns of the loop nobody waits who knocked before.
  static let turnsToEmpty = backlog / acceptedInTurn + 1

  /// Accepts on the sockets that were inherited, else on the address of the settings.
  static func open(
    _ settings: ServeSettings, _ inherited: [Int32], _ core: NIOLoopBound<RelayCore>,
    on loop: any EventLoop
  ) async throws -> [any Channel] {
    let bootstrap = bootstrap(settings, core, on: loop)
    var channels: [any Channel] = []
    for socket in inherited {
      channels.append(try await bootstrap.withBoundSocket(socket).get())
      // NIO has listened anew, with a backlog of its own.
      Glibc.listen(socket, backlog)
    }
    if channels.isEmpty {
      channels = [
        try await bootstrap.bind(host: settings.listen.host, port: settings.listen.port).get()
      ]
    }
    // Port 0 took a free one. Who is in already asks for no URL before it has logged in.
    if let port = channels.first?.localAddress?.port {
      try await loop.submit { core.value.hub.urls.listens(on: port) }.get()
    }
    return channels
  }

  private static func bootstrap(
    _ settings: ServeSettings, _ core: NIOLoopBound<RelayCore>, on loop: any EventLoop
  ) -> ServerBootstrap {
    var bootstrap = ServerBootstrap(group: loop)
    // `[::]` is IPv4 too, whatever the machine's own habit (RFC 3493, section 5.3).
    if settings.listen.host == "::" {
      bootstrap = bootstrap.serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 0)
    }
    return
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
          try accept(channel, core.value, takesPlain: settings.takesPlainHTTP)
        }
      }
  }

  private static func accept(
    _ channel: any Channel, _ core: RelayCore, takesPlain: Bool
  ) throws {
    try core.door.enter(channel)
    core.open.accepted(channel)
    guard let certificate = core.certificate else {
      return try enter(channel, core, isSecure: false)
    }
    try TLSEntrance.install(
      certificate.context, on: channel, limit: core.limits.handshake, logger: core.hub.logger,
      plain: takesPlain ? { try enter($0, core, isSecure: false) } : nil
    ) { channel in try enter(channel, core, isSecure: true) }
  }

  private static func enter(
    _ channel: any Channel, _ core: RelayCore, isSecure: Bool
  ) throws {
    let socket = JoinedSocket(flusher: core.flusher, below: isSecure ? .tls : .socket)
    socket.writeLimit = core.limits.clientWrite
    let connection = IngressConnection(
      core, socket,
      peer: ClientAddress(
        channel.remoteAddress, isSecure: isSecure, trusting: core.proxies))
    core.open.entered(connection, on: channel)
    try channel.pipeline.syncOperations.addHandler(socket)
  }
}
