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
  /// Where it redirects, if it does.
  package let redirect: String?
  /// `http` or `https`: what it speaks there.
  package let scheme: String
  /// Its own address as the outside writes it.
  package let url: String
  let group: MultiThreadedEventLoopGroup
  let listeners: [any Channel]
  /// Those that only redirect.
  let redirects: [any Channel]
  let core: NIOLoopBound<RelayCore>
  let lock: DataLock
  private let store: RelayStore
  let api: APIHost
  let log: LogOutput
  let grace: Duration
  let watching = Mutex<Task<Void, Never>?>(nil)
  /// Of the settings and certificates; nil before its start and behind its end.
  let reloading = Mutex<Reloading?>(nil)

  /// Opens everything; when it returns, the relay accepts connections. A successor waits before
  /// that until the relay before it has let go.
  package static func start(
    _ settings: ServeSettings, logger: Logger, inherited: InheritedDescriptors = .none
  ) async throws -> Relay {
    let certificates = try ServedCertificates.load(settings.tls)
    certificates?.warn(logger, at: time(nil))
    let lock = try DataLock(directory: settings.dataDirectory, inherited: inherited.lock)
    let store = try RelayStore(directory: settings.dataDirectory)
    try await store.settleBase(settings.base)
    if settings.isFirstRun { _ = try await store.ensureDevAccount(base: settings.base) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      let relay = try await Relay(
        settings, certificates, lock, store, group, logger, inherited)
      relay.startWatching()
      relay.startReloading(settings, certificates, logger)
      return relay
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private init(
    _ settings: ServeSettings, _ certificates: ServedCertificates?, _ lock: DataLock,
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
        log: ExchangeLog(log, loop: loop), certificates: certificates,
        proxies: settings.proxies, apiSocket: api.socket, loop: loop)
      if let offer = settings.tcpPorts {
        let sockets = PortSockets(offer, core)
        hub.sockets = sockets
        sockets.inherit(inherited.ports, patience: settings.limits.agentWait)
      } else {
        for socket in inherited.ports.values { close(socket) }
      }
      return NIOLoopBound(core, eventLoop: loop)
    }.get()
    do {
      listeners = try await Self.openListeners(settings, inherited, core, loop)
      redirects = try await Self.openRedirects(settings, inherited, core, loop, logger)
    } catch {
      await api.stop()
      throw error
    }
    try AddressFile.write(settings, port: urls.listening, certificates.map { [$0.usual] } ?? [])
    listen = Self.address(of: listeners, else: settings.listen).description
    redirect =
      if let wanted = settings.redirect, !redirects.isEmpty {
        Self.address(of: redirects, else: wanted).description
      } else { nil }
    scheme = settings.scheme
    url = urls.url(settings.base)
    self.group = group
    self.lock = lock
    self.store = store
    self.api = api
    self.log = log
    grace = .nanoseconds(settings.limits.drain.nanoseconds)
  }

  private static func openListeners(
    _ settings: ServeSettings, _ inherited: InheritedDescriptors,
    _ core: NIOLoopBound<RelayCore>, _ loop: any EventLoop
  ) async throws -> [any Channel] {
    do {
      return try await Listener.open(settings, inherited.listeners, core, on: loop)
    } catch {
      throw UserError(cannotListenOn: settings.listen, "--listen", error)
    }
  }

  /// A successor never fails by it: by now nobody else serves.
  private static func openRedirects(
    _ settings: ServeSettings, _ inherited: InheritedDescriptors,
    _ core: NIOLoopBound<RelayCore>, _ loop: any EventLoop, _ logger: Logger
  ) async throws -> [any Channel] {
    guard let address = settings.redirect else {
      for socket in inherited.redirects { close(socket) }
      return []
    }
    do {
      return try await Listener.openRedirect(address, inherited.redirects, core, on: loop)
    } catch {
      let fault = UserError(cannotListenOn: address, "--redirect-listen", error)
      guard inherited.isSuccessor else { throw fault }
      logger.error("nothing redirects to https", metadata: ["reason": "\(fault.message)"])
      return []
    }
  }

  /// Where it came to listen, with the port that was free.
  private static func address(
    of channels: [any Channel], else wanted: ListenAddress
  ) -> ListenAddress {
    let found = channels.first?.localAddress
    return ListenAddress(
      host: found?.ipAddress ?? wanted.host, port: found?.port ?? wanted.port)
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
  /// `flag` is what chooses the address.
  init(cannotListenOn address: ListenAddress, _ flag: String, _ error: any Error) {
    if let error = error as? IOError, error.errnoCode == EADDRINUSE {
      self.init(
        code: "address-in-use", message: "\(address) is in use by another process",
        fix: "stop it, or choose another with \(flag)", exit: .taken)
    } else if let error = error as? IOError, error.errnoCode == EAFNOSUPPORT {
      self.init(
        code: "address-unusable", message: "\(address): this machine has no such kind of address",
        fix: "without IPv6: \(flag) 0.0.0.0:\(address.port)")
    } else {
      self.init(code: "address-unusable", message: "cannot listen on \(address): \(error)")
    }
  }
}
