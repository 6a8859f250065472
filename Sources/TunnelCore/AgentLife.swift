/// An agent's life between its start and its end: when it dials, which of its links it serves on,
/// what it tells, and when it is over (product.md, "Takeover" and "Ends"; limits.md, "Agent link").
/// It serves one endpoint. One link is current; others, whose relay said goodbye, carry what runs
/// on them until the relay closes them.
///
/// Pure: tell it what happened, then carry out `while let action = life.next()`. Links have the
/// numbers that `dial` gave them; what comes from one that was dropped is no news.
package struct AgentLife: Sendable {
  package enum Action: Sendable, Equatable {
    /// Dial anew, giving up what is still being dialed; then `linked`, `away` or `failed`.
    case dial(Int)
    /// Say what is to be served; the epoch is the one held last.
    case declare(link: Int, held: Epoch, takes: Bool)
    /// Ask the relay for a sign of life.
    case probe(link: Int)
    /// Close it, and read nothing more of it.
    case drop(link: Int)
    /// Say that nothing more is taken; what runs goes on. Say `quiet` once nothing runs anywhere.
    case leave(link: Int, serving: ID?)
    /// Say `due` then; an earlier one is void.
    case look(at: Moment)
    case tell(News)
    /// Close all, and be gone.
    case end(Ending)
  }

  package enum News: Sendable, Equatable {
    case serving(url: String, claimed: Bool)
    case reconnecting(reason: String, after: Duration)
    /// `since` is Unix time in milliseconds.
    case standby(owner: String, since: UInt64)
    case replaced(by: String)
  }

  package enum Ending: Sendable, Equatable {
    case asked
    case replaced
    case failed(UserError)
  }

  /// What the relay says about an endpoint.
  package enum Word: Sendable, Equatable {
    case serving(endpoint: ID, epoch: Epoch, url: String, claimed: Bool)
    case standby(owner: String, since: UInt64)
    case replaced(by: String)
    case refused(UserError)
  }

  package enum Goodbye: Sendable, Equatable {
    /// It stops.
    case drain
    /// Another process of it takes over.
    case handover
    /// The authtoken is good no longer.
    case revoked(UserError)
  }

  private enum Phase: Equatable {
    case dialing(Int)
    case waiting(until: Moment)
    case linked(Int)
    case stopping(until: Moment)
    case over
  }

  /// Which streams of a link are served.
  private struct Fence {
    let link: Int
    let endpoint: ID
    let epoch: Epoch
  }

  /// product.md, "Ends": what is over within this is whole.
  package static let grace = Duration.seconds(3)

  private let exitsOnDisconnect: Bool
  private var random: SmallRandom
  private var schedule = ReconnectSchedule()
  private var phase = Phase.waiting(until: Moment(nanoseconds: 0))
  private var lastNumber = 0
  /// All that are open, the current one and those that only go on.
  private var links: [Int] = []
  private var fences: [Fence] = []
  private var held = Epoch.never
  private var wantsToTake = false
  private var actions: [Action] = []

  package init(exitsOnDisconnect: Bool = false, seed: UInt64) {
    self.exitsOnDisconnect = exitsOnDisconnect
    random = SmallRandom(seed: seed)
  }

  /// What is to be done, in order.
  package mutating func next() -> Action? { actions.isEmpty ? nil : actions.removeFirst() }

  package var isOver: Bool { phase == .over }

  /// Whether a stream that came on a link is to be served: the fence against an owner of before.
  package func serves(_ endpoint: ID, _ epoch: Epoch, on link: Int) -> Bool {
    for fence in fences where fence.link == link && fence.endpoint == endpoint {
      return epoch >= fence.epoch
    }
    return false
  }

  // MARK: - Getting a link

  package mutating func start() { dial() }

  /// The connection of this dial stands. False: it is not wanted any more, close it.
  package mutating func linked(_ link: Int) -> Bool {
    guard phase == .dialing(link) else { return false }
    phase = .linked(link)
    links.append(link)
    return true
  }

  /// The relay has said who it is.
  package mutating func greeted(_ link: Int) {
    guard phase == .linked(link) else { return }
    actions.append(.declare(link: link, held: held, takes: wantsToTake))
    wantsToTake = false
  }

  /// The dial came to nothing; a link that ends is `ended`.
  package mutating func away(
    _ link: Int, _ cause: ReconnectSchedule.Cause, _ reason: String, at now: Moment
  ) {
    guard phase == .dialing(link) else { return }
    redial(cause, reason, at: now)
  }

  /// The dial met a no for good.
  package mutating func failed(_ link: Int, _ error: UserError) {
    if phase == .dialing(link) { end(.failed(error)) }
  }

  package mutating func due(at now: Moment) {
    switch phase {
    case .waiting(let until) where now >= until: dial()
    case .stopping(let until) where now >= until: end(.asked)
    default: break
    }
  }

  // MARK: - On a link

  package mutating func said(_ word: Word, on link: Int) {
    guard links.contains(link), phase != .over else { return }
    switch word {
    case .serving(let endpoint, let epoch, let url, let claimed):
      fences.removeAll { $0.link == link && $0.endpoint == endpoint }
      fences.append(Fence(link: link, endpoint: endpoint, epoch: epoch))
      held = max(held, epoch)
      schedule.ready()
      if phase == .linked(link) { actions.append(.tell(.serving(url: url, claimed: claimed))) }
    case .standby(let owner, let since):
      guard phase == .linked(link) else { return fences.removeAll { $0.link == link } }
      // A relay that hands over does not know yet, and may still open streams on its old link.
      fences = []
      // It is as good as ready: whoever waits is not away.
      schedule.ready()
      actions.append(.tell(.standby(owner: owner, since: since)))
    case .replaced(let newer):
      guard phase == .linked(link) else { return fences.removeAll { $0.link == link } }
      actions.append(.tell(.replaced(by: newer)))
      end(.replaced)
    case .refused(let error): if phase == .linked(link) { end(.failed(error)) }
    }
  }

  /// The relay takes nothing new on this link. What it still opens there goes on.
  package mutating func saidGoodbye(
    _ goodbye: Goodbye, _ reason: String, on link: Int, at now: Moment
  ) {
    guard links.contains(link) else { return }
    switch goodbye {
    case .revoked(let error): end(.failed(error))
    case .drain: if phase == .linked(link) { redial(.closed, reason, at: now) }
    case .handover: if phase == .linked(link) { redial(.handover, reason, at: now) }
    }
  }

  package mutating func ended(
    _ link: Int, _ cause: ReconnectSchedule.Cause, _ reason: String, at now: Moment
  ) {
    guard links.contains(link) else { return }
    forget(link)
    switch phase {
    case .linked(link): redial(cause, reason, at: now)
    case .stopping where links.isEmpty: end(.asked)
    default: break
    }
  }

  // MARK: - Around it

  /// This process stood still: what its links have for it is old, and was given up by the relay.
  package mutating func woke(at now: Moment) {
    for link in links {
      actions.append(.drop(link: link))
      forget(link)
    }
    comeBack(.wake, "woke up", at: now)
  }

  /// An address or a route of this machine changed.
  package mutating func networkChanged(at now: Moment) {
    for link in links { actions.append(.probe(link: link)) }
    if case .waiting = phase { comeBack(.networkChange, "the network changed", at: now) }
  }

  /// `tunnel take`. False: there is no session to ask for it now; it is asked for with the next.
  package mutating func take() -> Bool {
    guard case .linked(let link) = phase else {
      wantsToTake = true
      return false
    }
    actions.append(.declare(link: link, held: held, takes: true))
    return true
  }

  /// Takes nothing new, lets what runs finish, ends.
  package mutating func stop(at now: Moment) {
    switch phase {
    case .stopping, .over: return
    default: break
    }
    guard !links.isEmpty else { return end(.asked) }
    let until = now + AgentLife.grace
    phase = .stopping(until: until)
    leave()
    actions.append(.look(at: until))
  }

  /// Nothing runs any more.
  package mutating func quiet() {
    if case .stopping = phase { end(.asked) }
  }

  /// Nobody is there any more to serve for.
  package mutating func alone() { end(.asked) }

  // MARK: -

  private mutating func dial() {
    lastNumber += 1
    phase = .dialing(lastNumber)
    actions.append(.dial(lastNumber))
  }

  private mutating func comeBack(
    _ cause: ReconnectSchedule.Cause, _ reason: String, at now: Moment
  ) {
    switch phase {
    case .stopping: if links.isEmpty { end(.asked) }
    case .over: break
    case .dialing, .waiting, .linked: redial(cause, reason, at: now)
    }
  }

  private mutating func redial(
    _ cause: ReconnectSchedule.Cause, _ reason: String, at now: Moment
  ) {
    // A relay that hands over is there; whether the next one is, its dial will tell.
    if exitsOnDisconnect, cause != .handover { return end(.failed(.disconnected(reason))) }
    let delay = schedule.delay(after: cause, at: now, using: &random)
    actions.append(.tell(.reconnecting(reason: reason, after: delay)))
    if delay <= .zero { return dial() }
    phase = .waiting(until: now + delay)
    actions.append(.look(at: now + delay))
  }

  private mutating func forget(_ link: Int) {
    links.removeAll { $0 == link }
    fences.removeAll { $0.link == link }
  }

  private mutating func leave() {
    for link in links {
      let endpoint = fences.first { $0.link == link }?.endpoint
      actions.append(.leave(link: link, serving: endpoint))
    }
  }

  private mutating func end(_ ending: Ending) {
    if phase == .over { return }
    if case .stopping = phase {} else { leave() }
    phase = .over
    actions.append(.end(ending))
  }
}

extension UserError {
  /// `--exit-on-disconnect`.
  static func disconnected(_ reason: String) -> UserError {
    UserError(
      code: "disconnected", message: "the session with the relay is over: \(reason)",
      fix: "without --exit-on-disconnect the agent dials again by itself", exit: .temporary)
  }
}
