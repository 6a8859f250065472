import Logging
import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// Who is here and who serves what: the relay's living memory. The database says who *may*;
/// the hub says who *does*. Belongs to the relay's event loop.
final class Hub {
  /// limits.md: sessions of one account.
  static let sessionsPerAccount = 50

  let base: DomainName
  let urls: PublicURL
  private let store: RelayStore
  private let loop: any EventLoop
  private let logger: Logger
  private var endpoints: [DomainName: Endpoint] = [:]
  private var sessions: [ID: RelaySession] = [:]
  let presence: Presence

  init(
    base: DomainName, urls: PublicURL, presence: Presence, store: RelayStore,
    loop: any EventLoop, logger: Logger
  ) {
    self.base = base
    self.urls = urls
    self.store = store
    self.loop = loop
    self.logger = logger
    self.presence = presence
  }

  /// On the path of every request: one look into memory.
  func endpoint(_ name: DomainName) -> Endpoint? { endpoints[name] }

  // MARK: - Sessions

  func mayEnter(_ login: Login) -> Bool {
    sessions.values.count { $0.login.account == login.account } < Self.sessionsPerAccount
  }

  func enter(_ session: RelaySession) {
    sessions[session.id] = session
    logger.info("session begun", metadata: about(session))
  }

  func ended(_ session: RelaySession, _ end: LinkEnd) {
    guard sessions.removeValue(forKey: session.id) != nil else { return }
    var metadata = about(session)
    metadata["reason"] = "\(end)"
    logger.info("session ended", metadata: metadata)
    for endpoint in session.endpoints.values {
      endpoint.ownership.lost(session: session.id, at: .now)
      settle(endpoint, leaving: session)
      wake(endpoint)
    }
    session.endpoints = [:]
  }

  /// The relay stops: every agent is told, and dials again by its own schedule.
  func sayGoodbye() {
    for session in sessions.values { session.end(.drain, "the relay stops") }
  }

  private func about(_ session: RelaySession) -> Logger.Metadata {
    [
      "session": "\(session.id)", "account": "\(session.login.accountName)",
      "agent": "\(session.hello?.label ?? "")",
    ]
  }

  // MARK: - Serving

  func serve(_ serve: Serve, _ session: RelaySession) {
    let request = ClaimRequest(serve.wish, account: session.login.account, base: base)
    let found = loop.makePromise(of: ClaimedEndpoint.self)
    found.completeWithTask { [store] in try await request.carryOut(store) }
    found.futureResult.assumeIsolated().whenComplete { result in
      guard session.link != nil, let hello = session.hello else { return }
      switch result {
      case .success(let claimed): self.take(claimed, serve, hello, session)
      case .failure(let error): self.refuse(serve, error, session)
      }
    }
  }

  private func take(
    _ claimed: ClaimedEndpoint, _ serve: Serve, _ hello: Hello, _ session: RelaySession
  ) {
    let endpoint = known(claimed)
    session.endpoints[endpoint.id] = endpoint
    let decision = endpoint.ownership.claim(
      Contender(
        install: ID(hello.install), instance: ID(hello.instance), session: session.id,
        label: hello.label, heldEpoch: Epoch(serve.heldEpoch), takes: serve.takes,
        since: hello.clock),
      at: .now)
    switch decision {
    case .standby(let owner):
      session.send(
        .standby(
          endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, owner: owner.label,
          since: owner.since))
    case .serve(let epoch, let displaced):
      endpoint.serving = session
      presence.set(endpoint.host, online: true)
      tell(displaced, endpoint, session, hello)
      persist(endpoint, epoch, session, hello) { error in
        if let error { return self.refuse(serve, error, session) }
        session.send(
          .serving(
            request: serve.request, endpoint: endpoint.id.wire, epoch: epoch.number,
            url: self.urls.url(endpoint.host), claimed: claimed.isNew))
      }
    }
  }

  private func known(_ claimed: ClaimedEndpoint) -> Endpoint {
    if let endpoint = endpoints[claimed.host], endpoint.id == claimed.id { return endpoint }
    let endpoint = Endpoint(
      id: claimed.id, host: claimed.host, account: claimed.account, epoch: claimed.epoch)
    endpoints[claimed.host] = endpoint
    return endpoint
  }

  private func tell(
    _ displaced: [Ownership.Displaced], _ endpoint: Endpoint, _ owner: RelaySession, _ hello: Hello
  ) {
    for other in displaced {
      guard let session = sessions[other.session] else { continue }
      let epoch = endpoint.epoch.number
      switch other.how {
      case .replaced:
        session.endpoints[endpoint.id] = nil
        session.send(
          .replaced(
            endpoint: endpoint.id.wire, epoch: epoch, owner: hello.label, since: hello.clock))
      case .standby:
        session.send(
          .standby(
            endpoint: endpoint.id.wire, epoch: epoch, owner: hello.label, since: hello.clock))
      case .silent: session.endpoints[endpoint.id] = nil
      }
    }
  }

  private func persist(
    _ endpoint: Endpoint, _ epoch: Epoch, _ session: RelaySession, _ hello: Hello,
    then done: @escaping ((any Error)?) -> Void
  ) {
    let written = loop.makePromise(of: Void.self)
    let (id, install, instance) = (endpoint.id, ID(hello.install), ID(hello.instance))
    written.completeWithTask { [store] in
      try await store.raiseEpoch(endpoint: id, to: epoch, install: install, instance: instance)
    }
    written.futureResult.assumeIsolated().whenComplete { result in
      switch result {
      case .success: done(nil)
      case .failure(let error): done(error)
      }
    }
  }

  private func refuse(_ serve: Serve, _ error: any Error, _ session: RelaySession) {
    let shown = UserError(relay: error)
    logger.info(
      "serve refused", metadata: ["session": "\(session.id)", "code": "\(shown.code)"])
    session.send(
      .refused(
        request: serve.request, code: shown.code, message: shown.message, fix: shown.fix ?? ""))
  }

  // MARK: - Leaving

  func stop(_ id: ID, _ session: RelaySession) {
    guard let endpoint = session.endpoints.removeValue(forKey: id) else { return }
    let next = endpoint.ownership.stop(session: session.id, at: .now)
    settle(endpoint, leaving: session)
    promote(next, endpoint)
  }

  private func settle(_ endpoint: Endpoint, leaving session: RelaySession) {
    guard endpoint.serving === session else { return }
    endpoint.serving = nil
    presence.set(endpoint.host, online: false)
  }

  /// Looks again once an owner that is gone may be given up (limits.md: 60 s).
  private func wake(_ endpoint: Endpoint) {
    guard !endpoint.waiting, endpoint.serving == nil else { return }
    endpoint.waiting = true
    loop.assumeIsolated().scheduleTask(in: .seconds(60)) {
      endpoint.waiting = false
      guard endpoint.serving == nil else { return }
      self.promote(endpoint.ownership.due(at: .now), endpoint)
    }
  }

  private func promote(_ next: Ownership.Promotion?, _ endpoint: Endpoint) {
    guard let next, let session = sessions[next.session], let hello = session.hello else { return }
    endpoint.serving = session
    presence.set(endpoint.host, online: true)
    persist(endpoint, next.epoch, session, hello) { _ in
      session.send(
        .serving(
          request: 0, endpoint: endpoint.id.wire, epoch: next.epoch.number,
          url: self.urls.url(endpoint.host), claimed: false))
    }
  }

  // MARK: - What the database says now

  /// Takes in what commands changed beside the running relay: names, and who may stay.
  func apply(_ directory: DirectorySnapshot) {
    for (host, entry) in directory.endpoints {
      if let known = endpoints[host], known.id == entry.id { continue }
      drop(host)
      endpoints[host] = Endpoint(id: entry.id, host: host, account: entry.account, epoch: entry.epoch)
    }
    for host in endpoints.keys where directory.endpoints[host] == nil { drop(host) }
    for session in sessions.values where !directory.allows(session.login) {
      session.end(.revoked, "this authtoken no longer opens the relay")
    }
  }

  private func drop(_ host: DomainName) {
    guard let endpoint = endpoints.removeValue(forKey: host) else { return }
    presence.set(host, online: false)
    guard let session = endpoint.serving else { return }
    session.endpoints[endpoint.id] = nil
    session.send(
      .refused(
        request: 0, code: "domain-not-held", message: "\(host) was taken from this account",
        fix: "ask the relay's operator, or serve another domain"))
  }
}
