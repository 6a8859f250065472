import TunnelCore

/// What happens to a run from outside: people, networks, operators, in an order left to chance.
final class Script {
  static let mostAgents = 6

  private unowned let world: World
  private let site: Site
  private let machines: [Machine]
  private var dice: Dice { world.dice }
  /// From then on nothing goes wrong.
  private let end: Moment

  init(_ site: Site, machines: [Machine], end: Moment, _ world: World) {
    self.site = site
    self.machines = machines
    self.end = end
    self.world = world
  }

  func begin() {
    site.start()
    for _ in 0..<dice.between(1, 3) { startAgent() }
    requests()
    faults(left: dice.between(2, 24))
    world.at(end) { self.calm() }
  }

  // MARK: - Callers

  private func requests() {
    world.after(dice.milliseconds(10, 4_000)) {
      let name = self.dice.roll(self.site.names)
      let old = self.site.processes.filter { $0 !== self.site.listener && $0.leaving != nil }
      // A connection that is kept alive is still the old process's.
      if let relay = self.dice.pick(old), self.dice.chance(25) {
        _ = relay.request(name)
      } else if let relay = self.site.listener {
        _ = relay.request(name)
      }
      self.requests()
    }
  }

  // MARK: - Faults

  private func faults(left: Int) {
    guard left > 0 else { return }
    let span = max(1, Int((end - world.now) / .milliseconds(1)))
    world.after(dice.milliseconds(0, 2 * span / (left + 1))) {
      guard self.world.now < self.end else { return }
      self.oneFault()
      self.faults(left: left - 1)
    }
  }

  private func oneFault() {
    switch dice.roll(26) {
    case 0, 1, 2: cut()
    case 3, 4: stall()
    case 5: slow()
    case 6: offline()
    case 7, 8, 9: machineSleeps()
    case 10, 11: kill()
    case 12: site.drain()
    case 13, 14, 15: site.handOver()
    case 16: dice.pick(living)?.stop()
    case 17: awake?.kill()
    case 18, 19, 20: startAgent()
    case 21: awake?.take()
    case 22: storeTrouble()
    case 23: networkChanges()
    case 24: duplicate()
    default:
      kill()
      cut()
    }
  }

  private var living: [SimulatedAgent] {
    site.agents.filter { !$0.isOver && !$0.wasStopped && !$0.machine.isAsleep }
  }

  private var awake: SimulatedAgent? { dice.pick(living) }

  private func wire() -> Wire? { dice.pick(site.wires.filter(\.isOpen)) }

  private func startAgent(on machine: Machine? = nil, name: Int? = nil) {
    guard site.agents.count(where: { !$0.isOver }) < Self.mostAgents,
      let machine = machine ?? dice.pick(machines), !machine.isAsleep
    else { return }
    let manners: [Contender.Manner] = [.replace, .replace, .replace, .replace, .standby, .fail]
    let agent = SimulatedAgent(
      machine, name: name ?? dice.roll(site.names), manner: dice.pick(manners) ?? .replace, site,
      world)
    site.add(agent)
    agent.start()
  }

  /// A second instance of an install that has one.
  private func duplicate() {
    if let agent = awake { startAgent(on: agent.machine, name: agent.name) }
  }

  private func cut() {
    guard let wire = wire() else { return }
    let hearing: [[Wire.Side]] = [[], [], [.agent], [.relay], [.agent, .relay]]
    let chosen = dice.roll(hearing.count)
    world.note(.wireCut, wire.number, UInt64(chosen))
    if !wire.isStalled { site.witness.cut(wire) }
    wire.cut(heardBy: hearing[chosen])
  }

  private func stall() {
    guard let wire = wire() else { return }
    let span = dice.milliseconds(500, 40_000)
    let ways: [[Wire.Side]] = [[.agent, .relay], [.agent], [.relay]]
    let chosen = dice.roll(ways.count)
    world.note(.wireStalls, wire.number, UInt64(span / .milliseconds(1)), UInt64(chosen))
    for side in ways[chosen] { wire.stall(side, until: min(end, world.now + span)) }
  }

  private func slow() {
    guard let wire = wire() else { return }
    let delay = dice.milliseconds(100, 2_000)
    world.note(.wireSlow, wire.number, UInt64(delay / .milliseconds(1)))
    for side in [Wire.Side.agent, .relay] where dice.chance(60) { wire.slow(side, delay) }
  }

  private func offline() {
    guard let machine = dice.pick(machines) else { return }
    let span = min(dice.milliseconds(500, 60_000), end - world.now)
    world.note(.machineOffline, machine.number, UInt64(span / .milliseconds(1)))
    machine.goesOffline(for: span)
    for wire in site.wires where wire.machine === machine {
      wire.stall(.agent, until: machine.offlineUntil)
      wire.stall(.relay, until: machine.offlineUntil)
    }
  }

  private func machineSleeps() {
    guard let machine = dice.pick(machines.filter { !$0.isAsleep }) else { return }
    let longest = dice.chance(50) ? 20_000 : 150_000
    let span = min(dice.milliseconds(1_000, longest), end - world.now)
    let suspends = dice.chance(50)
    world.note(
      .machineSleeps, machine.number, UInt64(span / .milliseconds(1)), suspends ? 1 : 0)
    let asleep = site.agents.filter { $0.machine === machine && !$0.isOver }
    for agent in asleep { agent.fallsAsleep() }
    machine.fallsAsleep(for: span, suspends: suspends) {
      asleep.map { agent in { _ = agent.turns() } }
    }
  }

  private func kill() {
    site.kill(silently: dice.chance(20))
    site.startLater(dice.chance(3) ? 700_000 : dice.between(100, 30_000))
  }

  private func storeTrouble() {
    let span = dice.milliseconds(500, 15_000)
    if dice.chance(50) {
      world.note(.storeSlow, UInt64(span / .milliseconds(1)))
      site.store.isSlow(for: min(span, end - world.now))
    } else {
      world.note(.storeFails, UInt64(span / .milliseconds(1)))
      site.store.fails(for: min(span, end - world.now))
    }
  }

  private func networkChanges() {
    guard let machine = dice.pick(machines), !machine.isAsleep else { return }
    world.note(.machineRoute, machine.number)
    for agent in site.agents where agent.machine === machine { agent.networkChanged() }
  }

  /// Nothing goes wrong any more; what is broken stays so.
  private func calm() {
    world.note(.quiet, 0)
    for wire in site.wires {
      wire.slow(.agent, .milliseconds(20))
      wire.slow(.relay, .milliseconds(20))
    }
    site.startLater(1)
  }
}
