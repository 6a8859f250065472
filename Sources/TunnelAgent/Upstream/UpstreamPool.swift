import HTTPMessage
import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// Connections to the app. `localhost` is tried at 127.0.0.1, then at ::1, and the one that
/// answered is remembered. Belongs to the agent's event loop.
final class UpstreamPool {
  /// A pooled connection may be closing at the app's side already: how long it may have been
  /// idle, for requests that can go again and for all others (product.md section 5).
  struct Freshness {
    var forSafe = Duration.seconds(4)
    var forOthers = Duration.seconds(1)
  }

  /// As many as a busy moment leaves behind: to open one again costs more than 20 requests on it.
  private static let mostIdle = 1_024

  let host: String
  let port: Int
  private let loop: any EventLoop
  private let flusher: TickFlusher
  private let freshness: Freshness
  /// The one that was used last stands last.
  private var idle: [UpstreamConnection] = []
  private var sweep: Scheduled<Void>?
  private var addresses: [String]
  /// Nil is the system's.
  private let resolver: (any Resolver & Sendable)?

  init(
    host: String, port: Int, loop: any EventLoop, flusher: TickFlusher,
    freshness: Freshness = Freshness(), resolver: (any Resolver & Sendable)? = nil
  ) {
    self.resolver = resolver
    self.freshness = freshness
    self.host = host
    self.port = port
    self.loop = loop
    self.flusher = flusher
    addresses = host == "localhost" ? ["127.0.0.1", "::1"] : [host]
  }

  /// The connection that was used last, if it is fresh enough for such a request.
  func takeIdle(forSafe isSafe: Bool) -> UpstreamConnection? {
    let limit = isSafe ? freshness.forSafe : freshness.forOthers
    while let connection = idle.popLast() {
      if connection.isFresh(at: .now, limit) { return connection }
      connection.close()
    }
    return nil
  }

  func put(_ connection: UpstreamConnection) {
    guard idle.count < Self.mostIdle else { return connection.close() }
    connection.rest(at: .now, in: self)
    idle.append(connection)
    if sweep == nil { planSweep() }
  }

  /// What a busy moment leaves behind is closed once no request may use it any more.
  private func planSweep() {
    let pause = TimeAmount.nanoseconds(freshness.forSafe.nanoseconds)
    sweep = loop.assumeIsolated().scheduleTask(in: pause) {
      self.sweep = nil
      let now = Moment.now
      let stale = self.idle.prefix { !$0.isFresh(at: now, self.freshness.forSafe) }
      self.idle.removeFirst(stale.count)
      for connection in stale { connection.close() }
      if !self.idle.isEmpty { self.planSweep() }
    }
  }

  /// The app closed one that rested.
  func lost(_ connection: UpstreamConnection) {
    if let place = idle.firstIndex(where: { $0 === connection }) { idle.remove(at: place) }
  }

  func closeIdle() {
    sweep?.cancel()
    sweep = nil
    for connection in idle { connection.close() }
    idle = []
  }

  /// A new connection, or why there is none.
  func connect(_ done: @escaping (Result<UpstreamConnection, UpstreamFault>) -> Void) {
    connect(addresses[...], nil, done)
  }

  private func connect(
    _ rest: ArraySlice<String>, _ fault: UpstreamFault?,
    _ done: @escaping (Result<UpstreamConnection, UpstreamFault>) -> Void
  ) {
    guard let address = rest.first else {
      return done(.failure(fault ?? UpstreamFault("no address")))
    }
    // A name with several addresses is tried on as many channels: each has a socket of its own.
    let flusher = NIOLoopBound(flusher, eventLoop: loop)
    ClientBootstrap(group: loop)
      .resolver(resolver)
      .connectTimeout(.seconds(10))
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(JoinedSocket(flusher: flusher.value))
        }
      }
      .connect(to: address, port: port)
      .assumeIsolated()
      .whenComplete { result in
        let socket = Result {
          try result.get().pipeline.syncOperations.handler(type: JoinedSocket.self)
        }
        switch socket {
        case .success(let socket):
          self.remember(address)
          done(.success(UpstreamConnection(socket)))
        case .failure(let error):
          // The first refusal says more than "no route" of an address that never was.
          self.connect(rest.dropFirst(), fault ?? UpstreamFault(error), done)
        }
      }
  }

  private func remember(_ address: String) {
    guard addresses.first != address else { return }
    addresses.removeAll { $0 == address }
    addresses.insert(address, at: 0)
  }
}

/// Why the app could not be reached, in words.
struct UpstreamFault: Error {
  let text: String

  init(_ text: String) { self.text = text }

  init(_ error: any Error) { text = Self.words(error) }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { words($0.error) } ?? "the name \(error.host) is not known"
    case let error as IOError where error.errnoCode == ECONNREFUSED: "connection refused"
    case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
    case ChannelError.connectTimeout: "no answer within 10 s"
    default: "\(error)"
    }
  }
}
