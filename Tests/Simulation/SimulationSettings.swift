/// What a run is made of, beside its seed.
package struct SimulationSettings: Sendable {
  /// What somebody could get wrong: the simulation has to find it.
  package enum InjectedFault: String, Sendable, CaseIterable {
    /// The relay goes on with the old session, and the agent takes any epoch.
    case unfencedSession = "unfenced-session"
    /// The relay tells the owner before its epoch is on disk.
    case earlyServing = "early-serving"
    /// The store takes an epoch that is not above its own, and the relay that hands over goes on
    /// making owners.
    case unfencedStore = "unfenced-store"
    /// The relay that hands over goes on making owners.
    case lateOwner = "late-owner"
    /// The relay never asks a silent link whether it lives.
    case deafRelay = "deaf-relay"
    /// An owner that is gone keeps its place for ever.
    case lostPromotion = "lost-promotion"
    /// The agent does not look how long it slept.
    case blindWake = "blind-wake"
    /// What an exchange is answered, the next one gets too.
    case mixedAnswers = "mixed-answers"
  }

  package var fault: InjectedFault?
  package var wallClockJumps = true

  package init(fault: InjectedFault? = nil, wallClockJumps: Bool = true) {
    self.fault = fault
    self.wallClockJumps = wallClockJumps
  }

  func has(_ fault: InjectedFault) -> Bool { self.fault == fault }
}
