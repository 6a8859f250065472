/// One endpoint on the relay, from owner to owner: puts `Ownership`'s decisions in order. A change
/// of owner counts once its epoch is on disk; until then the owner of before goes on, and further
/// claims wait for their turn. The new owner hears of it before any stream, the old one after.
///
/// Pure: tell it what happened, then carry out `while let action = life.next()`.
package struct EndpointLife: Sendable {
  package enum Action: Sendable, Equatable {
    /// Write the owner and its epoch down, then say `written`.
    case write(Epoch, owner: Contender)
    /// Ask this session for a sign of life, then say `answered` or `lost`.
    case probe(session: ID)
    /// Tell it that it serves; from now on it gets the streams. The request is 0 if it did not ask.
    case serving(session: ID, request: UInt32, Epoch)
    /// Nobody gets streams any more.
    case routeless
    case standby(session: ID, owner: Contender)
    case replaced(session: ID, by: Contender)
    /// Its instance has a newer session in its place: nobody is at its other end.
    case superseded(session: ID)
    /// `--if-taken fail`, and this owner is there. It has no place any more, nor has one that is
    /// `replaced` or `unwritten`.
    case taken(session: ID, request: UInt32, owner: Contender)
    /// The claim came to nothing: it could not be written down. The owner of before goes on.
    case unwritten(session: ID, request: UInt32)
    /// Write down that the owner of this epoch left.
    case left(Epoch)
    /// Say `due` then. A later one replaces an earlier one.
    case look(at: Moment)
    /// Give the name back: it was one for a single run, and that is over.
    case free
  }

  package enum Outcome: Sendable {
    case done
    /// Another relay wrote this epoch, which is no older.
    case stale(Epoch)
    case failed
  }

  private struct Claim {
    let contender: Contender
    let request: UInt32
  }

  private enum Work {
    case writing(Claim, Ownership, displaced: [Displaced])
    case probing(Claim, owner: ID)
  }

  /// Between two tries to write a promotion down.
  static let pause = Duration.seconds(1)

  package private(set) var ownership: Ownership
  /// Who gets the streams, and the epoch that they carry.
  package private(set) var route: (session: ID, epoch: Epoch)?
  /// A name that a CI token claimed: nobody's any more when its owner is gone.
  private let isTemporary: Bool
  private var wasHeld: Bool
  private var claims: [Claim] = []
  private var work: Work?
  private var looksAt: Moment?
  /// A promotion could not be written down; not before this it is tried again.
  private var promotesAt: Moment?
  /// Another relay decides from now on.
  private var isLeaving = false
  private var actions: [Action] = []

  /// `isLeft`: it is temporary, and the relay before this one left it behind.
  package init(
    _ ownership: Ownership, isTemporary: Bool = false, isLeft: Bool = false, at now: Moment
  ) {
    self.ownership = ownership
    self.isTemporary = isTemporary
    wasHeld = ownership.holder != nil || isLeft
    advance(at: now)
  }

  /// What is to be done, in order.
  package mutating func next() -> Action? { actions.isEmpty ? nil : actions.removeFirst() }

  // MARK: - What happens

  package mutating func claim(_ contender: Contender, request: UInt32, at now: Moment) {
    let claim = Claim(contender: contender, request: request)
    // One a session: a later one is what it wants now, and what waits stays as little as they are.
    if let place = claims.firstIndex(where: { $0.contender.session == contender.session }) {
      claims[place] = claim
    } else {
      claims.append(claim)
    }
    advance(at: now)
  }

  package mutating func written(_ outcome: Outcome, at now: Moment) {
    guard case .writing(let claim, let candidate, let displaced) = work else { return }
    work = nil
    switch outcome {
    case .done: settle(claim, candidate, displaced)
    case .stale(let epoch):
      ownership.raise(to: epoch)
      // A promotion is decided anew by itself, and one that left meanwhile wants nothing more.
      let isThere = candidate.owner?.session == claim.contender.session
      if claim.request != 0, isThere { claims.insert(claim, at: 0) }
    case .failed where claim.request == 0: promotesAt = now + EndpointLife.pause
    case .failed:
      turnAway(claim.contender.session, at: now)
      actions.append(.unwritten(session: claim.contender.session, request: claim.request))
    }
    advance(at: now)
  }

  /// The owner that was asked for a sign of life gave one.
  package mutating func answered(session: ID, at now: Moment) {
    guard case .probing(let claim, session) = work else { return }
    work = nil
    if let owner = ownership.owner, owner.session == session {
      let asker = claim.contender.session
      turnAway(asker, at: now)
      actions.append(.taken(session: asker, request: claim.request, owner: owner))
    } else {
      claims.insert(claim, at: 0)
    }
    advance(at: now)
  }

  /// Another relay takes over: from here on nobody becomes the owner here, for an epoch that is
  /// made behind the next one's back would overtake its own. What is being written still is; who
  /// waits for a decision asks there.
  package mutating func leave() {
    isLeaving = true
    claims = []
    if case .probing = work { work = nil }
  }

  /// The session says that it leaves the endpoint: whoever waits follows at once.
  package mutating func stop(session: ID, at now: Moment) {
    let epoch = ownership.epoch
    let wasOwner = ownership.stop(session: session)
    leave(session) { _ = $0.stop(session: session) }
    if wasOwner { actions.append(.left(epoch)) }
    advance(at: now)
  }

  /// The session is gone without a word.
  package mutating func lost(session: ID, at now: Moment) {
    ownership.lost(session: session, at: now)
    leave(session) { $0.lost(session: session, at: now) }
    advance(at: now)
  }

  package mutating func due(at now: Moment) {
    if let looksAt, now >= looksAt { self.looksAt = nil }
    advance(at: now)
  }

  // MARK: - What follows

  private mutating func advance(at now: Moment) {
    if isLeaving { return freeIfOver() }
    if let promotesAt, now >= promotesAt { self.promotesAt = nil }
    while work == nil {
      var candidate = ownership
      let promotion = candidate.due(at: now)
      if let promotion, promotesAt == nil {
        write(Claim(contender: promotion.owner, request: 0), candidate, displaced: [])
        continue
      }
      if promotion == nil { ownership = candidate }
      if claims.isEmpty { return rest() }
      decide(claims.removeFirst())
    }
  }

  private mutating func decide(_ claim: Claim) {
    var candidate = ownership
    let session = claim.contender.session
    switch candidate.claim(claim.contender) {
    case .serve(let epoch, let displaced):
      if let route, route.session == session, route.epoch == epoch {
        ownership = candidate
        actions.append(.serving(session: session, request: claim.request, epoch))
      } else {
        write(claim, candidate, displaced: displaced)
      }
    case .standby(let owner):
      ownership = candidate
      actions.append(.standby(session: session, owner: owner))
    case .replaced(let owner):
      ownership = candidate
      claims.removeAll { $0.contender.session == session }
      actions.append(.replaced(session: session, by: owner))
    case .contested(let owner):
      work = .probing(claim, owner: owner.session)
      actions.append(.probe(session: owner.session))
    }
  }

  private mutating func write(
    _ claim: Claim, _ candidate: Ownership, displaced: [Displaced]
  ) {
    work = .writing(claim, candidate, displaced: displaced)
    actions.append(.write(candidate.epoch, owner: claim.contender))
  }

  private mutating func settle(
    _ claim: Claim, _ candidate: Ownership, _ displaced: [Displaced]
  ) {
    let session = claim.contender.session
    ownership = candidate
    wasHeld = true
    if candidate.owner?.session == session {
      route = (session, candidate.epoch)
      actions.append(.serving(session: session, request: claim.request, candidate.epoch))
    } else if route != nil {
      // It left while its epoch was written; the owner of before has lost its place all the same.
      route = nil
      actions.append(.routeless)
    }
    for other in displaced {
      switch other.notice {
      case .silent: actions.append(.superseded(session: other.session))
      case .replaced:
        claims.removeAll { $0.contender.session == other.session }
        actions.append(.replaced(session: other.session, by: claim.contender))
      case .standby:
        actions.append(.standby(session: other.session, owner: claim.contender))
      }
    }
  }

  /// Whoever hears no goes, and wants nothing more here: nobody says so again.
  private mutating func turnAway(_ session: ID, at now: Moment) {
    ownership.lost(session: session, at: now)
    leave(session) { $0.lost(session: session, at: now) }
  }

  /// A session goes out of everything that is under way, too.
  private mutating func leave(_ session: ID, _ change: (inout Ownership) -> Void) {
    claims.removeAll { $0.contender.session == session }
    switch work {
    case .writing(let claim, var candidate, let displaced):
      change(&candidate)
      work = .writing(claim, candidate, displaced: displaced.filter { $0.session != session })
    case .probing(let claim, let owner):
      if claim.contender.session == session {
        work = nil
      } else if owner == session {
        work = nil
        claims.insert(claim, at: 0)
      }
    case nil: break
    }
    if route?.session == session {
      route = nil
      actions.append(.routeless)
    }
  }

  /// Nothing is under way: what is next comes with time.
  private mutating func rest() {
    if let deadline = promotesAt ?? ownership.deadline, looksAt != deadline {
      looksAt = deadline
      actions.append(.look(at: deadline))
    }
    freeIfOver()
  }

  private mutating func freeIfOver() {
    if isTemporary, wasHeld, ownership.holder == nil, ownership.standbys.isEmpty {
      wasHeld = false
      actions.append(.free)
    }
  }
}
