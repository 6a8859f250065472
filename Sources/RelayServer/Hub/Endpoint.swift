import NIOCore
import SessionLink
import TunnelCore

/// A public name and who serves it now. Belongs to the relay's event loop.
final class Endpoint {
  let id: ID
  let host: DomainName
  /// Of a TCP endpoint; its host is the relay's own.
  let port: Int?
  let account: ID
  /// When the database was last known to say that this is so.
  var vouchedAt = Moment.now
  /// nil until somebody wants to serve it: only then its epoch is read from the database.
  var life: EndpointLife?
  /// What the life wants done is being done.
  var isActing = false
  /// The session that has it, and its epoch there; nil while nobody serves.
  private(set) var serving: RelaySession?
  private(set) var epoch = Epoch.never
  /// The session that claimed it when it was free.
  var claimedBy: ID?
  /// Why it could not be written down lately.
  var fault: (any Error)?
  var timer: Scheduled<Void>?
  /// The agent that the relay's own end sent away; nil: nobody is expected.
  var awaited: AwaitedAgent?
  /// Whose requests wait for it, the first first.
  var waiting: [IngressConnection] = []
  /// Set while somebody waits.
  var waitEnds: Scheduled<Void>?
  /// What its requests meet; nil: no policies.
  private(set) var gate: PolicyGate?
  /// The declaration that the database has.
  var kept: [String]
  private unowned let hub: Hub
  /// The name was taken away: what still comes is about nobody.
  var isGone = false

  init(
    id: ID, host: DomainName, port: Int? = nil, account: ID, policies: [String], hub: Hub
  ) {
    self.hub = hub
    self.port = port
    kept = policies
    self.id = id
    self.host = host
    self.account = account
    hold((try? Policies(lines: policies)) ?? .closed)
  }

  /// From here on these hold, and nothing else does. Said again, they go on as they are: what was
  /// counted and found out stays.
  func hold(_ policies: Policies) {
    if policies == gate?.policies { return }
    gate = policies.isEmpty ? nil : PolicyGate(policies)
  }

  /// What people call it.
  var name: String { port.map { TCPAddress(host: host, port: $0).description } ?? host.text }

  func route(to session: RelaySession?, _ epoch: Epoch = .never) {
    serving = session
    self.epoch = epoch
    if let port {
      if session == nil { hub.sockets?.close(port) } else { hub.sockets?.open(port) }
    }
    guard session != nil else { return }
    // Who is lost from now on went by itself.
    awaited = nil
    if !waiting.isEmpty { hub.release(self) }
  }
}
