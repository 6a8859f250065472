import Logging
import NIOCore
import NIOPosix
import RelayStore
import SessionLink
import Synchronization
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// A running relay: one event loop for every public connection and every link, the API on a loop
/// beside it, the database on threads of its own.
package final class Relay: Sendable {
  private static let lookEvery = Duration.seconds(1)

  /// Where it listens, `127.0.0.1:8080`.
  package let listen: String
  /// `http` or `https`: what it speaks there.
  package let scheme: String
  /// Its own address as the outside writes it.
  package let url: String
  let group: MultiThreadedEventLoopGroup
  let listeners: [any Channel]
  let core: NIOLoopBound<RelayCore>
  let lock: DataLock
  private let store: RelayStore
  let api: APIHost
  let log: LogOutput
  let grace: Duration
  let watching = Mutex<Task<Void, Never>?>(nil)

  /// Opens everything; when it returns, the relay accepts connections. A successor waits before
  /// that until the relay before it has let go.
  package static func start(
    _ settings: ServeSettings, logger: Logger, inherited: InheritedDescriptors = .none
  ) async throws -> Relay {
    let certificate = try settings.tls.map { files throws(UserError) in
      try ServerCertificate.load(files)
    }
    if let certificate, let concern = certificate.concern(at: time(nil)) {
      logger.warning("\(concern)", metadata: ["path": "\(settings.tls?.certificate ?? "")"])
    }
    let lock = try DataLock(directory: settings.dataDirectory, inherited: inherited.lock)
    let store = try RelayStore(directory: settings.dataDirectory)
    try await store.settleBase(settings.base)
    if settings.isFirstRun { _ = try await store.ensureDevAccount(base: settings.base) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      let relay = try await Relay(
        settings, certificate, lock, store, group, logger, inherited)
      relay.startWatching()
      return relay
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private init(
    _ settings: ServeSettings, _ certificate: ServerCertificate?, _ lock: DataLock,
    _ store: RelayStore, _ group: MultiThreadedEventLoopGroup, _ logger: Logger,
    _ inherited: InheritedDescriptors
  ) async throws {
    let loop = group.next()
    let urls = PublicURL(settings)
    let presence = Presence()
    let log = LogOutput()
    let api = try await APIHost(
      RelayAPI(store: store, presence: presence, urls: urls, base: settings.base), logger: logger)
    // Nothing can fail any more; what the other one served is read once it serves no more.
    if let wire = inherited.wire.map(Wire.init) {
      wire.say()
      _ = await wire.hear(within: nil)
    }
    lock.sign()
    let readAt = Moment.now
    let directory = try await store.directory()
    let temporary = try await store.temporaryEndpoints()
    core = try await loop.submit {
      let hub = Hub(
        base: settings.base, urls: urls, presence: presence, store: store, loop: loop,
        logger: logger, patience: .nanoseconds(settings.limits.agentWait.nanoseconds))
      hub.apply(directory, readAt: readAt)
      hub.expect(temporary)
      hub.expect(directory, at: .now)
      let core = RelayCore(
        hub: hub, store: store, limits: settings.limits,
        log: ExchangeLog(log, loop: loop), certificate: certificate,
        proxies: settings.proxies, apiSocket: api.socket, loop: loop)
      return NIOLoopBound(core, eventLoop: loop)
    }.get()
    do {
      listeners = try await Listener.open(settings, inherited.listeners, core, on: loop)
    } catch {
      await api.stop()
      throw UserError(cannotListen: settings, error)
    }
    let address = listeners.first?.localAddress
    let host = address?.ipAddress ?? settings.listen.host
    try AddressFile.write(settings, port: urls.listening, certificate)
    listen = (host.contains(":") ? "[\(host)]" : host) + ":\(address?.port ?? settings.listen.port)"
    scheme = settings.scheme
    url = urls.url(settings.base)
    self.group = group
    self.lock = lock
    self.store = store
    self.api = api
    self.log = log
    grace = .nanoseconds(settings.limits.drain.nanoseconds)
  }

  /// Watches the database for what other processes change, until the relay's loop ends
  /// (product.md, section 4: counts within 2 s).
  private func startWatching() {
    watching.withLock { $0 = Task { await watch() } }
  }

  private func watch() async {
    var seen: Int64?
    var isStarting = true
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.lookEvery)  // A poll's pace, not a wait for something.
      // Behind the first look nothing runs for the first time any more.
      defer {
        if isStarting { StartupCode.giveBack() }
        isStarting = false
      }
      let readAt = Moment.now
      guard let revision = try? await store.dataVersion(), revision != seen,
        let directory = try? await store.directory()
      else { continue }
      seen = revision
      let core = core
      group.next().execute { core.value.hub.apply(directory, readAt: readAt) }
    }
  }
}

extension UserError {
  init(cannotListen settings: ServeSettings, _ error: any Error) {
    let address = settings.listen
    if let error = error as? IOError, error.errnoCode == EADDRINUSE {
      self.init(
        code: "address-in-use", message: "\(address) is in use by another process",
        fix: "stop it, or choose another with --listen", exit: .taken)
    } else if let error = error as? IOError, error.errnoCode == EAFNOSUPPORT {
      self.init(
        code: "address-unusable", message: "\(address): this machine has no such kind of address",
        fix: "without IPv6: --listen 0.0.0.0:\(address.port)")
    } else {
      self.init(code: "address-unusable", message: "cannot listen on \(address): \(error)")
    }
  }
}
