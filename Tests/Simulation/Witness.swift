import TunnelCore

/// What must hold while a run goes on. It sees what all processes see, and says which promise was
/// broken first.
final class Witness {
  /// An exchange that nothing disturbs takes 20 s; a link that dies meanwhile is noticed within
  /// 15 s, and sleep that is too short to be noticed stretches both.
  static let patience = Duration.seconds(120)
  /// 10 s of silence, 5 s of patience, and what was on its way.
  static let noticing = Duration.seconds(17)

  private struct Told: Equatable {
    let relay: UInt64
    let session: UInt64
    let epoch: Epoch
  }

  private unowned let world: World
  /// The last one that was told it serves, by name.
  private var lastTold: [Told?]
  private(set) var counts: [RelayExchange.End: Int] = [:]
  private(set) var owners = 0
  private var openedAt: [UInt64: Moment] = [:]
  /// When an instance was first given a place of which it heard, in notes.
  private var arrivals: [ID: Int] = [:]
  /// Those that know that they have one.
  private var placed: Set<ID> = []

  init(_ world: World, names: Int) {
    self.world = world
    lastTold = Array(repeating: nil, count: names)
  }

  // MARK: - Owners

  /// A session serves or waits.
  func hasPlace(_ session: SimulatedSession?) {
    guard let hello = session?.hello else { return }
    let instance = ID(hello.instance)
    if !placed.contains(instance) { arrivals[instance] = world.trace.count }
  }

  private func isOlder(_ agent: SimulatedAgent, than other: SimulatedAgent) -> Bool {
    guard let first = arrivals[agent.instance], let second = arrivals[other.instance]
    else { return false }
    return first < second
  }

  /// A relay is about to write down a new owner.
  func changes(_ ownership: Ownership, to owner: Contender, at now: Moment) {
    let held = owner.heldEpoch
    let isStale = held > .never && held < ownership.epoch
    guard isStale, owner.manner != .take, let holder = ownership.holder else { return }
    let isFree = ownership.deadline.map { now >= $0 } ?? false
    if !isFree, holder.instance != owner.instance {
      world.fail("\(owner.label) takes the name back from \(holder.label) by itself")
    }
  }

  /// A relay tells a session that it serves.
  func told(
    _ session: SimulatedSession, _ name: Int, _ epoch: Epoch, by relay: SimulatedRelay
  ) {
    hasPlace(session)
    let now = Told(relay: relay.number, session: session.id.low, epoch: epoch)
    if let last = lastTold[name], last != now {
      if epoch == last.epoch {
        world.fail(
          "sessions \(last.session) and \(now.session) serve name \(name) in \(epoch.number)")
      } else if epoch < last.epoch {
        world.fail("the epoch of name \(name) falls from \(last.epoch.number) to \(epoch.number)")
      }
    }
    let written = relay.site.store.history[name][epoch]
    if written != session.hello.map({ ID($0.instance) }) {
      world.fail("session \(now.session) serves name \(name), epoch \(epoch.number): not written")
    }
    if lastTold[name] != now { owners += 1 }
    lastTold[name] = now
  }

  /// A relay has lost a session: nothing may be kept for it.
  func gone(_ session: SimulatedSession, _ relay: SimulatedRelay) {
    for place in relay.places {
      guard let ownership = place.life?.ownership else { continue }
      let places = (ownership.owner.map { [$0] } ?? []) + ownership.standbys
      if places.contains(where: { $0.session == session.id }) {
        world.fail("session \(session.id.low) is gone and keeps a place at name \(place.name)")
      }
    }
  }

  // MARK: - What agents hear

  func hears(_ agent: SimulatedAgent) { placed.insert(agent.instance) }

  func heard(_ epoch: Epoch, after last: Epoch?, _ agent: SimulatedAgent) {
    if let last, epoch < last { world.fail("agent \(agent.number) hears of an older epoch") }
  }

  func waits(_ agent: SimulatedAgent, for owner: String) {
    if owner == agent.label { world.fail("agent \(agent.number) waits for itself") }
  }

  /// `asked`: it is the answer to what the agent wanted, which came too late.
  func replaced(_ agent: SimulatedAgent, by owner: String, asked: Bool) {
    let newer = agent.site.agents.first { $0.label == owner }
    if let newer, newer.machine !== agent.machine {
      world.fail("agent \(agent.number) is replaced by one of another install")
    }
    if let newer, !asked, !newer.hasTaken, isOlder(newer, than: agent) {
      world.fail("agent \(agent.number) is replaced by the older agent \(newer.number)")
    }
    if owner == agent.label { world.fail("agent \(agent.number) is replaced by its own ghost") }
  }

  func refused(_ agent: SimulatedAgent, _ code: String, _ owner: String) {
    if agent.manner != .fail { world.fail("agent \(agent.number) is refused: \(code)") }
    if owner == agent.label { world.fail("agent \(agent.number) is kept out by its own ghost") }
  }

  // MARK: - Exchanges

  func accepted(_ exchange: RelayExchange) {
    world.after(Self.patience) { [world] in
      if exchange.end == nil { world.fail("exchange \(exchange.number) never ends") }
    }
  }

  func opened(_ exchange: RelayExchange, by relay: SimulatedRelay) {
    openedAt[exchange.number] = world.now
    guard let last = lastTold[exchange.name] else {
      return world.fail("exchange \(exchange.number) goes to somebody who was never told")
    }
    // A relay that hands over goes on in the epoch of before.
    if last.relay != relay.number { return }
    if last.session != exchange.session || last.epoch != exchange.epoch {
      world.fail("exchange \(exchange.number) goes to an owner of before: \(exchange.session)")
    }
  }

  /// An agent hands an exchange to its app.
  func takes(_ exchange: UInt64, _ agent: SimulatedAgent) {
    if let opened = openedAt[exchange], opened < agent.machine.wokeAt {
      world.fail("agent \(agent.number) takes exchange \(exchange), which it slept through")
    }
  }

  func answered(_ exchange: RelayExchange, _ words: AnswerWords) {
    if words.exchange != exchange.number {
      world.fail("exchange \(exchange.number) gets the answer of \(words.exchange)")
    }
    if words.believed != exchange.epoch.number {
      world.fail("exchange \(exchange.number) is answered under epoch \(words.believed)")
    }
  }

  func odd(_ exchange: RelayExchange) {
    world.fail("the answer of exchange \(exchange.number) is not whole")
  }

  func ended(_ exchange: RelayExchange, _ end: RelayExchange.End) {
    counts[end, default: 0] += 1
    world.note(.ended, exchange.number, end.rawValue)
  }

  // MARK: - Links

  /// Nothing passes any more: both ends must notice by themselves.
  func cut(_ wire: Wire) {
    let ends = [wire.relayEnd as? SimulatedLink, wire.agentEnd as? SimulatedLink]
    let machine = wire.machine
    let sleeps = machine.isAsleep ? -1 : machine.sleeps
    world.after(Self.noticing) { [world] in
      if let link = ends[0], !link.isOver {
        world.fail("the relay's end of wire \(wire.number) does not notice that it is cut")
      }
      if let link = ends[1], !link.isOver, machine.sleeps == sleeps {
        world.fail("the agent's end of wire \(wire.number) does not notice that it is cut")
      }
    }
  }

  // MARK: - The end

  /// Nothing went wrong for a while: whoever lives serves or waits, and one serves.
  func settled(_ site: Site) {
    guard let relay = site.listener else { return world.fail("no relay listens") }
    for name in 0..<site.names {
      let agents = site.agents.filter { $0.name == name && !$0.isOver && !$0.wasStopped }
      for agent in agents where agent.state != .online && agent.state != .standby {
        world.fail("agent \(agent.number) is neither online nor standby, but \(agent.state)")
      }
      let online = agents.filter { $0.state == .online }
      if agents.isEmpty { continue }
      guard online.count == 1, let owner = online.first else {
        return world.fail("\(online.count) of \(agents.count) agents serve name \(name)")
      }
      let route = relay.places[name].route?.session.hello.map { ID($0.instance) }
      if route != owner.instance { world.fail("name \(name) leads to nobody who serves it") }
      let exchange = relay.request(name)
      world.after(.seconds(40)) { [world] in
        if exchange.end == .answered, exchange.answeredBy != owner.number {
          world.fail("name \(name) is answered by agent \(exchange.answeredBy)")
        }
        if exchange.end == .offline || exchange.end == .lost || exchange.end == nil {
          world.fail("a request for name \(name) is not answered, though all is well")
        }
      }
    }
  }
}
