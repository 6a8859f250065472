/// Who serves one endpoint (product.md, "Takeover"; limits.md, takeover). Every change of the
/// serving session raises the epoch; the caller writes it down before anybody hears of it. An owner
/// leaves when it says stop or is gone for 60 s: until then only its own instance, a new instance
/// or `tunnel take` gets the endpoint.
package struct Ownership: Sendable {
  package enum Decision: Sendable, Equatable {
    /// It serves, with this epoch; the displaced are to be told.
    case serve(Epoch, displaced: [Displaced])
    /// It waits. The owner may be away at the moment.
    case standby(owner: Contender)
    /// A newer instance of its own install holds the endpoint: it ends.
    case replaced(by: Contender)
    /// It wants the endpoint only if nobody is there. Ask the owner for a sign of life: one that
    /// gives none is `lost`, and the claim comes again.
    case contested(owner: Contender)
  }

  /// How long an owner that is gone keeps its place.
  package static let absence = Duration.seconds(60)
  /// A held epoch may be ahead of ours after a restored backup. One that is ahead by more is a
  /// peer's invention and must not use up the numbers.
  static let plausibleLead: UInt64 = 1 << 32

  package private(set) var epoch: Epoch
  /// Who serves now.
  package private(set) var owner: Contender?
  /// Who waits, the longest-waiting first.
  package private(set) var standbys: [Contender] = []
  /// An owner that is gone, and since when.
  private var absent: (contender: Contender, since: Moment)?

  package init(epoch: Epoch) {
    self.epoch = epoch
  }

  /// After a restart of the relay: the owner of before is awaited as one that was lost just now.
  package init(epoch: Epoch, awaiting lastOwner: Contender, at now: Moment) {
    self.epoch = epoch
    absent = (lastOwner, now)
  }

  /// Who has the endpoint: the owner, or the one that is awaited.
  package var holder: Contender? { owner ?? absent?.contender }

  /// When `due` has to be asked; nil while nobody is awaited.
  package var deadline: Moment? { absent.map { $0.since + Ownership.absence } }

  /// A session wants to serve.
  package mutating func claim(_ contender: Contender) -> Decision {
    guard let holder else { return serve(contender) }
    if owner?.session == contender.session {
      owner = contender
      return .serve(epoch, displaced: [])
    }
    if holder.instance == contender.instance || contender.manner == .take {
      return serve(contender)
    }
    let isStale = contender.heldEpoch > .never && contender.heldEpoch < epoch
    // Only at its start: one that held the endpoint and lost it is no newcomer.
    if contender.manner == .fail, !isStale {
      guard let owner else { return serve(contender) }
      return .contested(owner: owner)
    }
    if let place = standbys.firstIndex(where: { $0.session == contender.session }) {
      // It says its wishes anew; that alone makes it no newcomer.
      standbys[place] = contender
      return .standby(owner: holder)
    }
    if !isStale && contender.manner != .standby { return serve(contender) }
    standbys.removeAll { $0.instance == contender.instance }
    if isStale && holder.install == contender.install { return .replaced(by: holder) }
    standbys.append(contender)
    return .standby(owner: holder)
  }

  /// A session wants to serve no longer. True: it was the owner, and the place is free.
  package mutating func stop(session: ID) -> Bool {
    standbys.removeAll { $0.session == session }
    guard holder?.session == session else { return false }
    owner = nil
    absent = nil
    return true
  }

  /// A session is gone without a word: an owner keeps its place for a while.
  package mutating func lost(session: ID, at now: Moment) {
    standbys.removeAll { $0.session == session }
    guard let owner, owner.session == session else { return }
    absent = (owner, now)
    self.owner = nil
  }

  /// The longest-waiting standby follows an owner that left, or did not come back in time.
  package mutating func due(at now: Moment) -> Promotion? {
    if let deadline, now >= deadline { absent = nil }
    guard holder == nil, !standbys.isEmpty else { return nil }
    let next = standbys.removeFirst()
    own(next)
    return Promotion(owner: next, epoch: epoch)
  }

  /// Somebody else wrote a newer epoch down.
  package mutating func raise(to newer: Epoch) { epoch = max(epoch, newer) }

  private mutating func serve(_ contender: Contender) -> Decision {
    let isNewcomer = contender.heldEpoch == .never && contender.instance != holder?.instance
    var displaced: [Displaced] = []
    var waiting: [Contender] = []
    for other in standbys where other.session != contender.session {
      let notice = Ownership.notice(to: other, from: contender)
      // Of two that wait for the same install only a newcomer knows that it is the newer one.
      if notice == .silent || (notice == .replaced && isNewcomer) {
        displaced.append(Displaced(session: other.session, notice: notice))
      } else {
        waiting.append(other)
      }
    }
    if let owner {
      let notice = Ownership.notice(to: owner, from: contender)
      displaced.append(Displaced(session: owner.session, notice: notice))
      if notice == .standby { waiting.append(owner) }
    }
    standbys = waiting
    own(contender)
    return .serve(epoch, displaced: displaced)
  }

  private mutating func own(_ contender: Contender) {
    let held = contender.heldEpoch
    let isAhead = held > epoch && held.number - epoch.number <= Ownership.plausibleLead
    epoch = (isAhead ? held : epoch).next()
    owner = contender
    absent = nil
  }

  private static func notice(to other: Contender, from newer: Contender) -> Displaced.Notice {
    if other.instance == newer.instance { return .silent }
    return other.install == newer.install ? .replaced : .standby
  }
}
