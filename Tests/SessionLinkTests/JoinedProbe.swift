import NIOCore
import NIOPosix

@testable import SessionLink

/// A joined socket on a loopback connection, its user played by a test.
final class JoinedProbe: Sendable {
  enum Event: Sendable, Equatable {
    case read, ended, closed
    case left(Int)
  }

  let events: Mailbox<Event>
  /// The plain end of the connection.
  let peer: RawSocket
  private let user: NIOLoopBound<ProbeUser>
  private let listener: any Channel

  static func start(peerReads: Bool = true, window: Int? = nil) async throws -> JoinedProbe {
    let made = Mailbox<NIOLoopBound<ProbeUser>>()
    let events = Mailbox<Event>()
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.socketOption(.so_sndbuf), value: 16_384)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let user = ProbeUser(JoinedSocket(flusher: TickFlusher(channel.eventLoop)), events)
          user.socket.attach(user)
          try channel.pipeline.syncOperations.addHandler(user.socket)
          made.put(NIOLoopBound(user, eventLoop: channel.eventLoop))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let peer = try await RawSocket.connect(
      port: listener.localAddress?.port ?? 0, reads: peerReads, window: window)
    return JoinedProbe(events, peer, try await made.next(), listener)
  }

  private init(
    _ events: Mailbox<Event>, _ peer: RawSocket, _ user: NIOLoopBound<ProbeUser>,
    _ listener: any Channel
  ) {
    self.events = events
    self.peer = peer
    self.user = user
    self.listener = listener
  }

  /// On the socket's loop.
  func run<Value: Sendable>(
    _ body: @escaping @Sendable (JoinedSocket, ProbeUser) throws -> Value
  ) async throws -> Value {
    let user = user
    return try await loop.submit { try body(user.value.socket, user.value) }.get()
  }

  private var loop: any EventLoop { user.eventLoop }
}

/// Notes what it is told; takes nothing by itself.
final class ProbeUser: SocketUser, Creditor {
  let socket: JoinedSocket
  private let events: Mailbox<JoinedProbe.Event>
  private(set) var credited = 0

  init(_ socket: JoinedSocket, _ events: Mailbox<JoinedProbe.Event>) {
    self.socket = socket
    self.events = events
  }

  func socketRead(_ socket: JoinedSocket) { events.put(.read) }
  func socketEnded(_ socket: JoinedSocket) { events.put(.ended) }
  func socketClosed(_ socket: JoinedSocket) { events.put(.closed) }

  func bytesLeft(_ count: Int) {
    credited += count
    events.put(.left(count))
  }
}
