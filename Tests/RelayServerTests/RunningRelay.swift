import Glibc
import Logging
import RelayStore
import Testing
import TunnelCore

@testable import RelayServer

/// A relay of `tunnel.example` on a free loopback port with its data in a folder of its own, and
/// one account, `ann`. Call `stop` at the end.
final class RunningRelay: Sendable {
  static let base = "tunnel.example"

  let relay: Relay
  /// The same database, as a command beside the relay opens it.
  let store: RelayStore
  let port: Int
  let ann: NewAccount
  private let folder: String
  private let watching: Task<Void, Never>

  static func start() async throws -> RunningRelay {
    var template = Array("/tmp/tunnel-relay-test-XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    let base = try DomainName(base)
    let store = try RelayStore(directory: folder)
    let ann = try await store.addAccount("ann", base: base)
    var logger = Logger(label: "relay")
    logger.logLevel = .critical
    let options = ServeOptions(
      domain: base, listen: ListenAddress("127.0.0.1:0"), data: folder)
    let relay = try await Relay.start(
      ServeSettings(options) { _ in folder }, logger: logger)
    return try RunningRelay(relay, store, ann, folder)
  }

  private init(
    _ relay: Relay, _ store: RelayStore, _ ann: NewAccount, _ folder: String
  ) throws {
    self.relay = relay
    self.store = store
    self.ann = ann
    self.folder = folder
    port = try #require(relay.listen.split(separator: ":").last.flatMap { Int($0) })
    watching = Task { await relay.watch() }
  }

  func stop() async {
    watching.cancel()
    await relay.stop(grace: .zero)
    if let entries = opendir(folder) {
      while let entry = readdir(entries) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        unlink("\(folder)/\(name)")
      }
      closedir(entries)
    }
    rmdir(folder)
  }

  var host: String { ann.domain.text }

  func client(reads: Bool = true, window: Int? = nil) async throws -> RawSocket {
    try await RawSocket.connect(port: port, reads: reads, window: window)
  }

  /// An agent of ann's that serves her domain.
  func servingAgent() async throws -> StandInAgent {
    let agent = try await agent()
    try await agent.serve(ann.domain.text)
    return agent
  }

  func agent(token: Authtoken? = nil, install: ID? = nil) async throws -> StandInAgent {
    try await StandInAgent.connect(
      port: port, token: token ?? ann.token, install: install ?? .fresh())
  }
}

extension ID {
  static func fresh() -> ID {
    var random = SystemRandomNumberGenerator()
    return .random(using: &random)
  }
}

/// Runs `body` with a relay that is stopped whatever happens.
func withRelay(_ body: (RunningRelay) async throws -> Void) async throws {
  let relay = try await RunningRelay.start()
  do {
    try await body(relay)
  } catch {
    await relay.stop()
    throw error
  }
  await relay.stop()
}
