import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Why the agent has no web address.
package enum WebFault: Error, Equatable, Sendable {
  /// This port and those behind it are taken.
  case noFreePort
  /// Anything else, as the system says it.
  case unusable(String)
}

/// The agent's own web server, on an event loop of its own: whatever is asked here, and however
/// slowly, the tunnel does not wait for it.
package final class WebServer: Sendable {
  /// For this machine's own programs; they keep a forgotten loop in a script harmless.
  package struct Limits: Sendable {
    /// How many ports are tried, from the wanted one up.
    package var ports = 100
    /// More than these wait until one is over.
    package var connections = 64
    package var idleTimeout = TimeAmount.seconds(75)
    /// How long after a request the server may tidy up.
    package var restAfter = TimeAmount.seconds(10)

    package init() {}
  }

  /// Where it listens.
  package let address: WebAddress
  private let running: Task<Void, any Error>

  private init(_ address: WebAddress, _ running: Task<Void, any Error>) {
    self.address = address
    self.running = running
  }

  /// Listens on the wanted port, or on the next free one; returns once it accepts connections.
  /// Calls `rest` some time after it was last busy, the start included.
  package static func start(
    _ wanted: WebAddress, _ api: AgentAPI, limits: Limits = Limits(),
    rest: @escaping @Sendable () -> Void = {}
  ) async throws(WebFault) -> WebServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    for port in wanted.port..<min(65_536, wanted.port + limits.ports) {
      let address = WebAddress(host: wanted.host, port: port)
      do {
        return try await listen(address, api, limits, rest, group)
      } catch let error as IOError where error.errnoCode == EADDRINUSE && wanted.port > 0 {
        continue
      } catch {
        try? await group.shutdownGracefully()
        throw .unusable("\(error)")
      }
    }
    try? await group.shutdownGracefully()
    throw .noFreePort
  }

  /// Without Hummingbird's `Application`, which wakes the process each second to write the date.
  private static func listen(
    _ address: WebAddress, _ api: AgentAPI, _ limits: Limits,
    _ rest: @escaping @Sendable () -> Void,
    _ group: MultiThreadedEventLoopGroup
  ) async throws -> WebServer {
    let (ports, port) = AsyncStream<Int>.makeStream()
    var logger = Logger(label: "web")
    logger.logLevel = .critical
    let responder = api.router.buildResponder()
    let rest = Rest(group.next(), after: limits.restAfter, rest)
    let server = try HTTPServerBuilder.http1(configuration: .init(idleTimeout: limits.idleTimeout))
      .buildServer(
        configuration: ServerConfiguration(
          address: .hostname(address.dialHost, port: address.port),
          availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
        eventLoopGroup: group, logger: logger
      ) { [logger] request, writer, channel in
        let source = ApplicationRequestContextSource(channel: channel, logger: logger)
        let response = try await responder.respond(to: request, context: .init(source: source))
        try await writer.write(response: response.head, body: response.body)
        rest.due()
      } onServerRunning: { channel in
        port.yield(channel.localAddress?.port ?? address.port)
        port.finish()
        rest.due()
      }
    let running = Task {
      defer { port.finish() }
      try await server.run()
    }
    for await port in ports {
      return WebServer(WebAddress(host: address.host, port: port), running)
    }
    try await running.value
    throw WebFault.unusable("it ended at once")
  }

  /// Takes no new connections, and does not wait for those that it has.
  package func stop() { running.cancel() }
}

/// What is done once a busy moment is over for some time; at most once in that time.
private final class Rest: Sendable {
  private let loop: any EventLoop
  private let pause: TimeAmount
  private let work: @Sendable () -> Void
  private let isDue = Atomic(false)

  init(_ loop: any EventLoop, after pause: TimeAmount, _ work: @escaping @Sendable () -> Void) {
    self.loop = loop
    self.pause = pause
    self.work = work
  }

  func due() {
    guard !isDue.exchange(true, ordering: .relaxed) else { return }
    loop.scheduleTask(in: pause) {
      self.isDue.store(false, ordering: .relaxed)
      self.work()
    }
  }
}
