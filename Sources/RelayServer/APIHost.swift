import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// The relay's API on a Unix socket in a fresh folder that only this user may enter. It has an
/// event loop of its own: what it does may take its time.
final class APIHost: Sendable {
  let socket: String
  private let folder: String
  private let group: ServiceGroup
  private let running: Task<Void, any Error>

  /// Returns once it accepts connections.
  init(_ api: RelayAPI, logger: Logger) async throws {
    // NIO refuses socket paths over 103 bytes, so the folder is not below the data directory.
    var template = Array("/tmp/tunnel-relay-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw UserError(
        code: "internal", message: "no folder can be made in /tmp: errno \(errno)")
    }
    folder = String(cString: made)
    socket = folder + "/api"
    let (isUp, up) = AsyncStream<Void>.makeStream()
    var quiet = logger
    quiet.logLevel = .error
    let application = Application(
      router: api.router,
      configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket)),
      onServerRunning: { _ in up.finish() },
      eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
      logger: quiet)
    let group = ServiceGroup(services: [application], logger: quiet)
    self.group = group
    running = Task {
      defer { up.finish() }
      try await group.run()
    }
    for await _ in isUp {}
  }

  func stop() async {
    await group.triggerGracefulShutdown()
    _ = await running.result
    unlink(socket)
    rmdir(folder)
  }
}
