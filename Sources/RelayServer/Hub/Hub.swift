import Logging
import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// Who is here and who serves what: the relay's living memory. The database says who *may*, the
/// hub says who *does*. Belongs to the relay's event loop.
final class Hub {
  /// limits.md: sessions of one account.
  static let sessionsPerAccount = 50

  let base: DomainName
  let urls: PublicURL
  let presence: Presence
  let store: RelayStore
  let loop: any EventLoop
  let logger: Logger
  /// How long a request waits for an agent that was sent away.
  let patience: Duration
  private(set) var endpoints: [DomainName: Endpoint] = [:]
  private(set) var tcpEndpoints: [Int: Endpoint] = [:]
  /// Nil: this relay has no TCP ports for anybody.
  var sockets: PortSockets?
  private(set) var sessions: [ID: RelaySession] = [:]
  /// Set once the relay ends or hands over: no agent gets an endpoint here any more.
  private(set) var leaving: GoAway.Code?
  /// Owners that are being written down.
  var writesUnderWay = 0
  /// Requests that wait for an agent.
  var waitingNow = 0
  /// Owners that are gone, to be written down together.
  var lost: [(endpoint: ID, epoch: Epoch)] = []

  init(
    base: DomainName, urls: PublicURL, presence: Presence, store: RelayStore,
    loop: any EventLoop, logger: Logger, patience: Duration = AwaitedAgent.patience
  ) {
    self.base = base
    self.urls = urls
    self.presence = presence
    self.store = store
    self.loop = loop
    self.logger = logger
    self.patience = patience
  }

  /// On the path of every request: one look into memory.
  func endpoint(_ name: DomainName) -> Endpoint? { endpoints[name] }

  func tcpEndpoint(_ port: Int) -> Endpoint? { tcpEndpoints[port] }

  var allEndpoints: [Endpoint] { Array(endpoints.values) + Array(tcpEndpoints.values) }

  /// The endpoint of a name that the database has just said is the account's.
  func endpoint(_ claimed: ClaimedEndpoint, of account: ID) -> Endpoint {
    let endpoint: Endpoint
    let known = claimed.port.map { tcpEndpoints[$0] } ?? endpoints[claimed.host]
    if let known, known.id == claimed.endpoint {
      endpoint = known
      endpoint.vouchedAt = .now
    } else {
      if let known { drop(known) }
      endpoint = Endpoint(
        id: claimed.endpoint, host: claimed.host, port: claimed.port, account: account,
        policies: claimed.lastOwner.policies, hub: self)
      keep(endpoint)
    }
    if endpoint.life == nil, !endpoint.isActing {
      endpoint.life = EndpointLife(
        claimed.ownership(at: .now), isTemporary: claimed.isTemporary, isLeft: claimed.isLeft,
        at: .now)
    }
    return endpoint
  }

  // MARK: - Sessions

  func mayEnter(_ login: Login) -> Bool {
    sessions.values.count { $0.login.account == login.account } < Self.sessionsPerAccount
  }

  func enter(_ session: RelaySession) {
    sessions[session.id] = session
  }

  func ended(_ session: RelaySession, _ end: LinkEnd) {
    guard sessions.removeValue(forKey: session.id) != nil else { return }
    var metadata = session.metadata
    metadata["code"] = "\(end.code)"
    metadata["reason"] = "\(end)"
    logger.info("session ended", metadata: metadata)
    for endpoint in session.endpoints.values { lost(endpoint, by: session) }
    session.endpoints = [:]
  }

  /// From here on no agent gets an endpoint; owners that are being written down still are.
  func leave(_ code: GoAway.Code) {
    leaving = code
    for endpoint in allEndpoints { endpoint.life?.leave() }
  }

  /// Every agent is told, and dials again; what runs goes on.
  func sayGoodbye() {
    for session in sessions.values { sayGoodbye(to: session) }
  }

  /// Also to one that comes in the last moment.
  func sayGoodbye(to session: RelaySession) {
    guard let leaving else { return }
    let text = leaving == .handover ? "the relay hands over to a new process" : "the relay stops"
    session.link?.goAway(leaving, text)
  }

  func closeLinks() {
    for session in sessions.values { session.link?.close() }
  }

  // MARK: - What the database says now

  /// Takes in what commands changed beside the running relay: names, and who may stay.
  ///
  /// What a login or a claim has learned from the database itself since `readAt`, when the reading
  /// of the directory began, is newer than the directory.
  func apply(_ directory: DirectorySnapshot, readAt: Moment) {
    for (host, entry) in directory.hosts {
      renew(endpoints[host], entry, readAt) { Endpoint(entry, host: host, hub: self) }
    }
    for (port, entry) in directory.ports {
      renew(tcpEndpoints[port], entry, readAt) {
        Endpoint(entry, host: self.base, port: port, hub: self)
      }
    }
    for endpoint in allEndpoints where endpoint.vouchedAt < readAt {
      let isHeld = endpoint.port.map { directory.ports[$0] != nil }
      if !(isHeld ?? (directory.hosts[endpoint.host] != nil)) { drop(endpoint) }
    }
    for session in sessions.values where session.begunAt < readAt {
      let login = session.login
      if directory.disabledAccounts.contains(login.account) {
        session.end(.revoked, "the account \(login.accountName) is disabled")
      } else if !directory.liveTokens.contains(login.token) {
        session.end(.revoked, "this authtoken was revoked")
      }
    }
  }

  /// The database has another endpoint at this place, or none was known.
  private func renew(
    _ known: Endpoint?, _ entry: DirectorySnapshot.Entry, _ readAt: Moment,
    _ make: () -> Endpoint
  ) {
    if let known {
      guard known.id != entry.endpoint, known.vouchedAt < readAt else { return }
      drop(known)
    }
    keep(make())
  }

  private func keep(_ endpoint: Endpoint) {
    if let port = endpoint.port {
      tcpEndpoints[port] = endpoint
    } else {
      endpoints[endpoint.host] = endpoint
    }
  }

  private func drop(_ endpoint: Endpoint) {
    if let port = endpoint.port { tcpEndpoints[port] = nil } else { endpoints[endpoint.host] = nil }
    endpoint.isGone = true
    endpoint.timer?.cancel()
    endpoint.route(to: nil)
    presence.set(endpoint, online: false)
    release(endpoint)
    let gone = Control.refused(
      request: 0, code: "domain-not-held",
      message: "\(endpoint.name) is no longer held by this account",
      fix: "ask the relay's operator, or serve another domain")
    for session in sessions.values where session.endpoints.removeValue(forKey: endpoint.id) != nil {
      session.send(gone)
    }
  }
}

extension Endpoint {
  fileprivate convenience init(
    _ entry: DirectorySnapshot.Entry, host: DomainName, port: Int? = nil, hub: Hub
  ) {
    self.init(
      id: entry.endpoint, host: host, port: port, account: entry.account,
      policies: entry.policies, hub: hub)
  }
}
