import Glibc
import Logging
import NIOSSL
import RelayStore
import SessionLink
import Synchronization
import Testing
import TunnelCore

@testable import RelayServer

/// A relay of `tunnel.example` on a free loopback port with its data in a folder of its own, and
/// one account, `ann`. Call `stop` at the end.
final class RunningRelay: Sendable {
  static let base = "tunnel.example"

  let relay: Relay
  let settings: ServeSettings
  /// The same database, as a command beside the relay opens it.
  let store: RelayStore
  let port: Int
  let ann: NewAccount
  private let folder: String
  private let isStopped = Atomic<Bool>(false)

  /// `limits` are lines below `limits:` of a relay.yml; `change` has the last word on the flags.
  static func start(
    limits: String = "", isSecure: Bool = false,
    change: @Sendable (inout ServeOptions) -> Void = { _ in }
  ) async throws -> RunningRelay {
    let folder = try temporaryFolder()
    let base = try DomainName(base)
    let store = try RelayStore(directory: folder)
    let ann = try await store.addAccount("ann", base: base)
    var logger = Logger(label: "relay")
    logger.logLevel = .critical
    var options = ServeOptions(
      domain: base, listen: ListenAddress("127.0.0.1:0"), data: folder,
      config: try limits.isEmpty ? nil : file("limits: {\(limits)}\n", in: folder))
    if isSecure { options.tls = [try TestCertificate.files(in: folder)] }
    change(&options)
    let settings = try ServeSettings(options) { _ in folder }
    return try RunningRelay(
      try await Relay.start(settings, logger: logger), settings, store, ann, folder)
  }

  private static func file(_ text: String, in folder: String) throws -> String {
    let path = folder + "/relay.yml"
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fputs(text, file) >= 0)
    return path
  }

  private init(
    _ relay: Relay, _ settings: ServeSettings, _ store: RelayStore, _ ann: NewAccount,
    _ folder: String
  ) throws {
    self.relay = relay
    self.settings = settings
    self.store = store
    self.ann = ann
    self.folder = folder
    port = try #require(relay.listen.split(separator: ":").last.flatMap { Int($0) })
  }

  /// The relay that comes after this one, in its folder; it is for the test to end.
  func next(inherited: InheritedDescriptors = .none) async throws -> RunningRelay {
    var logger = Logger(label: "relay")
    logger.logLevel = .critical
    // This one's lock lives as long as this value.
    let inherited =
      inherited.isSuccessor
      ? inherited : InheritedDescriptors(lock: dup(self.relay.lock.descriptor))
    let relay = try await Relay.start(settings, logger: logger, inherited: inherited)
    return try RunningRelay(relay, settings, store, ann, folder)
  }

  /// Ends it, the second time it does nothing; its folder stays.
  func end(grace: Duration? = .zero) async {
    guard !isStopped.exchange(true, ordering: .relaxed) else { return }
    await relay.stop(grace: grace)
  }

  /// Hands over to a successor that `go` tells to serve, instead of an end of its own.
  func handOver(_ go: @escaping @Sendable () -> Void) async {
    guard !isStopped.exchange(true, ordering: .relaxed) else { return }
    await relay.handOver(go)
  }

  /// On the relay's loop.
  func ask<Value: Sendable>(_ body: @escaping @Sendable (RelayCore) throws -> Value) async throws
    -> Value
  {
    let core = relay.core
    return try await relay.group.next().submit { try body(core.value) }.get()
  }

  func stop(grace: Duration = .zero) async {
    await end(grace: grace)
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

  var url: String { "\(settings.scheme)://\(host):\(port)" }

  /// A client that speaks TLS, and asks for a name.
  func secureClient(
    _ settings: TLSConfiguration? = nil, name: String? = RunningRelay.base
  ) async throws -> SecureSocket {
    try await SecureSocket.connect(port: port, settings ?? .forTests, name: name)
  }

  func client(
    reads: Bool = true, window: Int? = nil, greeting: String? = nil
  ) async throws -> RawSocket {
    try await RawSocket.connect(port: port, reads: reads, window: window, greeting: greeting)
  }

  /// An agent of ann's that serves her domain.
  func servingAgent(over carrier: Carrier = .raw) async throws -> StandInAgent {
    let agent = try await agent(over: carrier)
    try await agent.serve(ann.domain.text)
    return agent
  }

  func agent(
    token: Authtoken? = nil, install: ID? = nil, over carrier: Carrier = .raw
  ) async throws -> StandInAgent {
    try await StandInAgent.connect(
      port: port, token: token ?? ann.token, install: install ?? .fresh(), over: carrier,
      isSecure: !settings.tls.isEmpty)
  }
}

extension ID {
  static func fresh() -> ID {
    var random = SystemRandomNumberGenerator()
    return .random(using: &random)
  }
}

/// Runs `body` with a relay that is stopped whatever happens.
func withRelay(
  limits: String = "", isSecure: Bool = false,
  change: @Sendable (inout ServeOptions) -> Void = { _ in },
  _ body: (RunningRelay) async throws -> Void
) async throws {
  let relay = try await RunningRelay.start(limits: limits, isSecure: isSecure, change: change)
  do {
    try await body(relay)
  } catch {
    await relay.stop()
    throw error
  }
  await relay.stop()
}
