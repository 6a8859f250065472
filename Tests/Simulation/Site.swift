import Multiplexer
import TunnelCore

/// The relay's machine: which of its processes listens, which only go on, and the database that
/// they share. A supervisor starts a relay again when there is none.
final class Site: WireEnd {
  /// limits.md: how long a relay that ends lets exchanges run.
  private static let grace = Duration.seconds(30)
  private static let pace = Duration.milliseconds(100)

  unowned let world: World
  let names: Int
  let store: SimulatedStore
  let witness: Witness
  /// Takes new connections.
  private(set) var listener: SimulatedRelay?
  /// All that live, the newest last.
  private(set) var processes: [SimulatedRelay] = []
  private(set) var agents: [SimulatedAgent] = []
  private(set) var wires: [Wire] = []
  /// The successor's turn has not begun, but the socket is open.
  private var successor: SimulatedRelay?
  private var backlog: [Wire] = []
  private var isDown = false
  private var downFor = 0
  private var counts: (relay: UInt64, session: UInt64, agent: UInt64) = (0, 0, 0)
  private var lastMixed: UInt64 = 0

  init(_ world: World, names: Int) {
    self.world = world
    self.names = names
    store = SimulatedStore(world, names: names)
    witness = Witness(world, names: names)
  }

  func host(_ name: Int) -> String { "name\(name).example" }
  func endpoint(_ name: Int) -> ID { ID(high: 0xe9d0, low: UInt64(name)) }
  func name(_ wish: Serve.Wish) -> Int? { (0..<names).first { wish == .domain(host($0)) } }

  func nextRelayNumber() -> UInt64 {
    counts.relay += 1
    return counts.relay
  }

  func nextSessionNumber() -> UInt64 {
    counts.session += 1
    return counts.session
  }

  func nextAgentNumber() -> UInt64 {
    counts.agent += 1
    return counts.agent
  }

  /// Of two answers one, the older.
  func mixed(_ number: UInt64) -> UInt64 {
    defer { lastMixed = number }
    return lastMixed == 0 ? number : lastMixed
  }

  func add(_ agent: SimulatedAgent) { agents.append(agent) }

  // MARK: - Connections

  func dialed(_ wire: Wire) {
    wires.removeAll { !$0.isOpen }
    wires.append(wire)
  }

  func arrives(_ item: Wire.Item, on wire: Wire) {
    guard case .connect = item else { return }
    if let listener { return welcome(wire, listener) }
    if successor != nil { return backlog.append(wire) }
    // Nobody listens; without power nobody even says so.
    if !isDown { wire.close(from: .relay) }
  }

  /// The login asks the database.
  private func welcome(_ wire: Wire, _ relay: SimulatedRelay) {
    world.after(world.dice.milliseconds(0, 30)) { [weak relay] in
      guard let relay, !relay.isGone else { return wire.close(from: .relay) }
      relay.enter(wire)
    }
  }

  // MARK: - Processes

  func start() {
    guard processes.isEmpty else { return }
    isDown = false
    let relay = SimulatedRelay(self, world)
    processes = [relay]
    listen(relay)
  }

  private func listen(_ relay: SimulatedRelay) {
    listener = relay
    successor = nil
    world.note(.relayListens, relay.number)
    let waiting = backlog
    backlog = []
    for wire in waiting { welcome(wire, relay) }
  }

  func startLater(_ milliseconds: Int) {
    downFor += 1
    let number = downFor
    world.after(.milliseconds(milliseconds)) { [weak self] in
      if let self, downFor == number { start() }
    }
  }

  /// All processes at once; the machine too, if it is silent about it.
  func kill(silently: Bool) {
    for relay in processes { relay.kill(silently: silently) }
    isDown = silently
    gone()
  }

  private func gone() {
    processes.removeAll { $0.isGone }
    if let successor, successor.isGone { self.successor = nil }
    if let listener, listener.isGone { self.listener = nil }
    guard processes.isEmpty || (listener == nil && successor == nil) else { return }
    for wire in backlog where !isDown { wire.close(from: .relay) }
    backlog = []
  }

  /// SIGTERM.
  func drain() {
    guard let relay = listener, successor == nil else { return }
    world.note(.relayDrains, relay.number)
    listener = nil
    relay.leave(.drain)
    relay.sayGoodbye()
    finish(relay, by: world.now + Self.grace)
  }

  /// SIGUSR2: a successor waits until the old one has left everything new to it.
  func handOver() {
    guard let old = listener, successor == nil else { return }
    let successor = SimulatedRelay(self, world)
    world.note(.relayLeaves, old.number, successor.number)
    processes.append(successor)
    self.successor = successor
    old.leave(.handover)
    yield(old, successor, by: world.now + Self.grace)
  }

  /// What is being written down must be, first: an owner that is made behind the successor's back
  /// would share its epoch.
  private func yield(_ old: SimulatedRelay, _ successor: SimulatedRelay, by end: Moment) {
    guard !old.isGone, !successor.isGone else { return }
    let isReady = old.writesUnderWay == 0 || world.settings.has(.unfencedStore)
    guard isReady || world.now >= end else {
      return world.after(Self.pace) { self.yield(old, successor, by: end) }
    }
    listener = nil
    old.sayGoodbye()
    finish(old, by: world.now + Self.grace)
    world.after(world.dice.milliseconds(1, 300)) {
      if !successor.isGone { self.listen(successor) }
    }
  }

  private func finish(_ relay: SimulatedRelay, by end: Moment) {
    guard !relay.isGone else { return }
    guard relay.exchanges.isEmpty || world.now >= end else {
      return world.after(Self.pace) { self.finish(relay, by: end) }
    }
    relay.end()
    gone()
    if processes.isEmpty { startLater(world.dice.between(100, 5_000)) }
  }

  func end() {
    for relay in processes { relay.forget() }
    for agent in agents { agent.forget() }
    store.end()
    processes = []
    agents = []
    wires = []
  }
}
