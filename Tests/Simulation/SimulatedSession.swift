import Multiplexer
import TunnelCore

/// One agent's login at one relay process, as `RelayServer/Hub/RelaySession`.
final class SimulatedSession: SimulatedLinkOwner {
  let id: ID
  unowned let relay: SimulatedRelay
  private(set) var link: SimulatedLink?
  private(set) var hello: Hello?
  var places: [SimulatedRelay.Place] = []
  /// Somebody wants its place if it gives no sign of life; told once if it does.
  private var askers: [() -> Void] = []
  /// It said that it leaves: what it still asks for is void.
  private(set) var isLeaving = false

  init(_ relay: SimulatedRelay) {
    self.relay = relay
    id = ID(high: 0x5e55, low: relay.site.nextSessionNumber())
  }

  func begin(_ wire: Wire, _ world: World) {
    let hello = Hello(
      streamLimit: 32, install: id.wire, instance: id.wire, clock: relay.clock.wall,
      label: "relay")
    let link = SimulatedLink(
      .relay, wire, number: 0, hello: hello, owner: self, clock: relay.clock, world)
    self.link = link
    link.begin()
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

  /// Says why, then closes.
  func end(_ code: GoAway.Code) {
    link?.goAway(code)
    link?.close()
  }

  func contender(_ serve: Serve) -> Contender {
    Contender(
      install: hello.map { ID($0.install) } ?? id, instance: hello.map { ID($0.instance) } ?? id,
      session: id, label: hello?.label ?? "", heldEpoch: Epoch(serve.heldEpoch),
      manner: Contender.Manner(rawValue: serve.manner) ?? .replace, since: relay.clock.wall)
  }

  func mayRead() -> Bool { true }

  func link(_ link: SimulatedLink, said hello: Hello) { self.hello = hello }

  func link(_ link: SimulatedLink, opened open: Open, slot: Slot) -> (any SimulatedStreamEnd)? {
    nil
  }

  func link(_ link: SimulatedLink, said control: Control) {
    switch control {
    case .serve(let serve): relay.serve(serve, self)
    case .stop(let endpoint): relay.stop(ID(endpoint), self)
    case .notice, .serving, .refused, .replaced, .standby: break
    }
  }

  func link(_ link: SimulatedLink, goesAway goAway: GoAway) {
    isLeaving = true
    for place in places { relay.stop(relay.site.endpoint(place.name), self) }
  }

  func linkIsSuspect(_ link: SimulatedLink) {
    if !askers.isEmpty { link.close(.silent) }
  }

  func linkAnswered(_ link: SimulatedLink) {
    let askers = askers
    self.askers = []
    for isThere in askers { isThere() }
  }

  func link(_ link: SimulatedLink, ended end: SimulatedLinkEnd) {
    self.link = nil
    askers = []
    relay.ended(self)
  }
}
