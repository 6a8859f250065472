import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// The relay's one public socket, with TLS where there is a certificate.
enum Listener {
  static func bind(
    _ settings: ServeSettings, _ core: NIOLoopBound<RelayCore>, on loop: any EventLoop
  ) -> EventLoopFuture<any Channel> {
    var bootstrap = ServerBootstrap(group: loop)
    // `[::]` is IPv4 too, whatever the machine's own habit (RFC 3493, section 5.3).
    if settings.listen.host == "::" {
      bootstrap = bootstrap.serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 0)
    }
    return
      bootstrap
      .serverChannelOption(.backlog, value: 1_024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: 16)
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
      .bind(host: settings.listen.host, port: settings.listen.port)
      .map { channel in
        // Port 0 took a free one; nobody can be in before this runs, on the same loop.
        if let port = channel.localAddress?.port { core.value.hub.urls.listens(on: port) }
        return channel
      }
  }

  private static func accept(
    _ channel: any Channel, _ core: RelayCore, takesPlain: Bool
  ) throws {
    try core.door.enter(channel)
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
    let socket = JoinedSocket(flusher: core.flusher, isPlain: !isSecure)
    socket.writeLimit = core.limits.clientWrite
    // The socket holds it.
    _ = IngressConnection(
      core, socket,
      peer: ClientAddress(
        channel.remoteAddress, isSecure: isSecure, trusting: core.proxies))
    try channel.pipeline.syncOperations.addHandler(socket)
  }
}
