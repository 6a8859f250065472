import Logging
import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// One agent's login: what it said of itself, and which endpoints it serves or waits for.
/// Belongs to the relay's event loop; the link holds nobody, the hub holds the session.
final class RelaySession: LinkOwner {
  let id: ID
  let login: Login
  let begunAt = Moment.now
  private unowned let hub: Hub
  private(set) var link: Link?
  private(set) var hello: Hello?
  var endpoints: [ID: Endpoint] = [:] {
    didSet {
      guard declared.count > endpoints.count else { return }
      declared = declared.filter { endpoints[$0.key] != nil }
    }
  }
  /// What it declares of each of them, once it serves it.
  var declared: [ID: Policies] = [:]
  /// Somebody wants its place if it gives no sign of life; told once if it does.
  private var askers: [() -> Void] = []
  /// It said that it leaves: what it still asks for is void.
  private(set) var isLeaving = false

  init(id: ID, login: Login, hub: Hub) {
    self.id = id
    self.login = login
    self.hub = hub
  }

  func begin(_ link: Link) { self.link = link }

  func send(_ control: Control) { link?.send(control) }

  /// The relay ends it: says why, then closes.
  func end(_ code: GoAway.Code, _ text: String) {
    link?.goAway(code, text)
    link?.close()
  }

  /// Asks for a sign of life. Without one it is closed; with one, `isThere` runs.
  func probe(_ isThere: @escaping () -> Void) {
    guard let link, !link.isSuspect else {
      link?.close(.silent)
      return
    }
    askers.append(isThere)
    link.probe()
  }

  var metadata: Logger.Metadata {
    [
      "session": "\(id)", "account": "\(login.accountName)", "agent": "\(hello?.label ?? "")",
    ]
  }

  func contender(_ serve: Serve) -> Contender {
    Contender(
      install: hello.map { ID($0.install) } ?? id, instance: hello.map { ID($0.instance) } ?? id,
      session: id, label: hello?.label ?? "", heldEpoch: Epoch(serve.heldEpoch),
      manner: Contender.Manner(rawValue: serve.manner) ?? .replace,
      since: WallClock.milliseconds())
  }

  // MARK: - LinkOwner

  func link(_ link: Link, said hello: Hello) {
    self.hello = hello
    hub.logger.info("session begun", metadata: metadata)
  }

  func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? { nil }

  func link(_ link: Link, said control: Control) {
    switch control {
    case .serve(let serve): hub.serve(serve, self)
    case .stop(let endpoint): hub.stop(ID(endpoint), self)
    case .notice, .serving, .refused, .replaced, .standby: break
    }
  }

  func link(_ link: Link, goesAway goAway: GoAway) {
    isLeaving = true
    for endpoint in Array(endpoints.keys) { hub.stop(endpoint, self) }
  }

  func linkIsSuspect(_ link: Link) {
    if !askers.isEmpty { link.close(.silent) }
  }

  func linkAnswered(_ link: Link) {
    let askers = askers
    self.askers = []
    for isThere in askers { isThere() }
  }

  func link(_ link: Link, ended end: LinkEnd) {
    self.link = nil
    askers = []
    hub.ended(self, end)
  }
}
