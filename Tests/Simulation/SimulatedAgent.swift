import Multiplexer
import TunnelCore

/// One agent process: drives a real `AgentLife`, as `TunnelAgent/Session/Agent` does.
final class SimulatedAgent {
  enum State: Equatable {
    case starting
    case online
    case standby
    case reconnecting
    case over
  }

  /// As the real agent's, but longer: what it looks for comes seldom here.
  private static let quietLook = Duration.milliseconds(200)

  let number: UInt64
  let name: Int
  let machine: Machine
  let manner: Contender.Manner
  /// What people know it by; no two agents have the same.
  var label: String { "agent \(number) of machine \(machine.number)" }
  let instance: ID
  private(set) var state = State.starting
  /// Somebody wanted its end.
  private(set) var wasStopped = false
  let exitsOnDisconnect: Bool
  unowned let world: World
  unowned let site: Site
  private(set) var life: AgentLife
  private var isActing = false
  private(set) var links: [SimulatedLink] = []
  private var dials: [AgentDial] = []
  private var alarm = 0
  private var sleep: SleepDetector
  private var sleptSinceTurn = false
  /// By link: what it was told last.
  private var believed: [Int: Epoch] = [:]
  /// The links on which its wish was answered.
  private var answered: Set<Int> = []
  private(set) var hasTaken = false

  init(_ machine: Machine, name: Int, manner: Contender.Manner, _ site: Site, _ world: World) {
    number = site.nextAgentNumber()
    self.machine = machine
    self.name = name
    self.manner = manner
    self.site = site
    self.world = world
    instance = ID(high: 0xa9e7, low: number)
    exitsOnDisconnect = world.dice.chance(4)
    life = AgentLife(exitsOnDisconnect: exitsOnDisconnect, seed: world.dice.number())
    sleep = SleepDetector(at: machine.boot)
    world.note(.agentStarts, number, machine.number, UInt64(name))
  }

  var isOver: Bool { state == .over }

  // MARK: - What happens around it

  func start() { tell { $0.start() } }

  func stop() {
    wasStopped = true
    world.note(.agentStops, number)
    tell { $0.stop(at: machine.now) }
  }

  func take() {
    world.note(.agentTakes, number)
    hasTaken = true
    tell { _ = $0.take() }
  }

  func networkChanged() { tell { $0.networkChanged(at: machine.now) } }

  /// `kill -9`: the kernel closes its connections.
  func kill() {
    world.note(.agentKilled, number)
    wasStopped = true
    vanish()
    forget()
  }

  /// The machine falls asleep: until now its loop has turned every second.
  func fallsAsleep() {
    sleep = SleepDetector(at: machine.boot)
    sleptSinceTurn = true
  }

  /// On each turn of the loop, before anything is read. False: it stood still.
  func turns() -> Bool {
    guard sleptSinceTurn, !isOver else { return true }
    sleptSinceTurn = false
    guard sleep.hasSlept(at: machine.boot), !world.settings.has(.blindWake) else { return true }
    world.note(.agentWoke, number)
    tell { $0.woke(at: machine.now) }
    return false
  }

  // MARK: - What the life wants done

  /// Tells the machine, then does what it wants; what is told meanwhile joins the end.
  func tell(_ what: (inout AgentLife) -> Void) {
    if isOver { return }
    what(&life)
    if isActing { return }
    isActing = true
    while let action = life.next() { act(action) }
    isActing = false
  }

  private func act(_ action: AgentLife.Action) {
    switch action {
    case .dial(let number): dial(number)
    case .declare(let number, let held, let takes): declare(link(number), held, takes)
    case .probe(let number): link(number)?.probe()
    case .drop(let number): link(number)?.close()
    case .leave(let number, let endpoint): leave(link(number), endpoint)
    case .look(let moment): look(at: moment)
    case .tell(let news): hear(news)
    case .end(let ending): finish(ending)
    }
  }

  private func link(_ number: Int) -> SimulatedLink? { links.first { $0.number == number } }

  private func dial(_ number: Int) {
    world.note(.agentDials, self.number, UInt64(number))
    dials.append(AgentDial(number, self, site, world))
  }

  /// The relay has answered 101.
  func connected(_ number: Int, _ wire: Wire) {
    forget(number)
    var isWanted = false
    tell { isWanted = $0.linked(number) }
    guard isWanted else { return wire.close(from: .agent) }
    world.note(.agentLinked, self.number, UInt64(number))
    let hello = Hello(
      streamLimit: 4_096, install: machine.install.wire, instance: instance.wire,
      clock: machine.wall, label: label)
    let link = SimulatedLink(
      .agent, wire, number: number, hello: hello, owner: self, clock: machine, world)
    links.append(link)
    link.begin()
  }

  private func forget(_ dial: Int) { dials.removeAll { $0.number == dial } }

  func away(_ number: Int, _ cause: ReconnectSchedule.Cause) {
    forget(number)
    world.note(.agentAway, self.number, UInt64(number))
    tell { $0.away(number, cause, cause.rawValue, at: machine.now) }
  }

  private func declare(_ link: SimulatedLink?, _ held: Epoch, _ takes: Bool) {
    var serve = Serve(request: 1, wish: .domain(site.host(name)))
    serve.heldEpoch = held.number
    serve.manner = (takes ? Contender.Manner.take : manner).rawValue
    link?.send(.serve(serve))
  }

  private func leave(_ link: SimulatedLink?, _ endpoint: ID?) {
    if let endpoint { link?.send(.stop(endpoint: endpoint.wire)) }
    link?.goAway(.stop)
    whenQuiet()
  }

  private func whenQuiet() {
    guard !life.isOver else { return }
    if links.allSatisfy({ $0.openStreams == 0 }) { return tell { $0.quiet() } }
    machine.after(Self.quietLook) { [weak self] in self?.whenQuiet() }
  }

  private func look(at moment: Moment) {
    alarm += 1
    let number = alarm
    machine.at(moment) { [weak self] in
      guard let self, alarm == number else { return }
      tell { $0.due(at: machine.now) }
    }
  }

  private func hear(_ news: AgentLife.News) {
    switch news {
    case .serving: state = .online
    case .standby: state = .standby
    case .replaced: break
    case .reconnecting(_, let delay):
      state = .reconnecting
      world.note(.agentReconnects, number, UInt64(max(0, delay / .milliseconds(1))))
    }
  }

  private func finish(_ ending: AgentLife.Ending) {
    let asked = ending == .asked
    world.note(.agentEnds, number, asked ? 0 : ending == .replaced ? 1 : 2)
    if asked, !wasStopped { world.fail("agent \(number) ended by itself") }
    for link in links { link.close() }
    vanish()
  }

  /// Nobody is kept.
  func forget() {
    for link in links { link.vanish() }
    links = []
  }

  private func vanish() {
    state = .over
    for dial in dials { dial.giveUp() }
    dials = []
  }
}

// MARK: - SimulatedLinkOwner

extension SimulatedAgent: SimulatedLinkOwner {
  func mayRead() -> Bool { turns() }

  func link(_ link: SimulatedLink, said hello: Hello) { tell { $0.greeted(link.number) } }

  func link(_ link: SimulatedLink, said control: Control) {
    let place = UInt64(link.number)
    switch control {
    case .serving(_, let endpoint, let number, let url, let claimed):
      let epoch = Epoch(number)
      world.note(.agentServes, self.number, place, number)
      site.witness.heard(epoch, after: believed[link.number], self)
      believed[link.number] = epoch
      say(.serving(endpoint: ID(endpoint), epoch: epoch, url: url, claimed: claimed), link)
    case .refused(_, let code, let message, _):
      world.note(.agentRefused, number, place)
      site.witness.refused(self, code, message)
      say(.refused(UserError(code: code, message: message, exit: .taken)), link)
    case .replaced(_, _, let owner, _):
      world.note(.agentReplaced, number, place)
      site.witness.replaced(self, by: owner, asked: !answered.contains(link.number))
      say(.replaced(by: owner), link)
    case .standby(_, _, let owner, let since):
      world.note(.agentWaits, number, place)
      site.witness.waits(self, for: owner)
      say(.standby(owner: owner, since: since), link)
    case .notice, .serve, .stop: break
    }
  }

  private func say(_ word: AgentLife.Word, _ link: SimulatedLink) {
    answered.insert(link.number)
    site.witness.hears(self)
    tell { $0.said(word, on: link.number) }
  }

  func link(_ link: SimulatedLink, opened open: Open, slot: Slot) -> (any SimulatedStreamEnd)? {
    guard open.kind == .http else { return nil }
    let isServed = life.serves(ID(open.endpoint), Epoch(open.epoch), on: link.number)
    guard isServed || world.settings.has(.unfencedSession) else {
      world.note(.streamRefused, number, open.exchange.low, open.epoch)
      link.refuse(slot, Farewell(.staleEpoch, blame: .relay))
      return nil
    }
    site.witness.takes(open.exchange.low, self)
    return AgentExchange(open, self, link, slot, believed[link.number] ?? .never)
  }

  func link(_ link: SimulatedLink, goesAway goAway: GoAway) {
    world.note(.agentGoodbye, number, UInt64(link.number), UInt64(goAway.code.rawValue))
    let goodbye: AgentLife.Goodbye
    switch goAway.code {
    case .drain: goodbye = .drain
    case .handover: goodbye = .handover
    case .revoked, .stop, .limit, .protocolFault: return
    }
    tell { $0.saidGoodbye(goodbye, "goodbye", on: link.number, at: machine.now) }
  }

  func linkIsSuspect(_ link: SimulatedLink) {}

  func linkAnswered(_ link: SimulatedLink) {}

  func link(_ link: SimulatedLink, ended end: SimulatedLinkEnd) {
    world.note(.agentLost, number, UInt64(link.number))
    links.removeAll { $0 === link }
    let cause = end == .silent ? ReconnectSchedule.Cause.heartbeat : .closed
    tell { $0.ended(link.number, cause, "lost", at: machine.now) }
  }
}
