import Simulation
import Testing

/// The promises of the link, under chance. A seed that breaks one is printed with what led to it;
/// `Simulation.run(seed:)` replays it. More seeds: `./dev show link.11`, or TUNNEL_SEEDS, the
/// number of seeds for each eighth.
@Suite("The simulation") struct SimulationTests {
  @Test(
    "no promise is broken: owners, epochs, answers, ends", arguments: 0..<8 as Range<UInt64>)
  func holds(eighth: UInt64) {
    let count = SeedCount.eighth
    for seed in (eighth * count + 1)...((eighth + 1) * count) {
      let outcome = Simulation.run(seed: seed)
      guard outcome.violation == nil else {
        Issue.record("\(outcome.report(last: 60))")
        return
      }
    }
  }

  @Test("a seed replays exactly, note by note", arguments: 1...20 as ClosedRange<UInt64>)
  func replay(seed: UInt64) {
    let first = Simulation.run(seed: seed)
    #expect(first == Simulation.run(seed: seed))
    #expect(first.trace.count > 20)
    #expect(first.trace != Simulation.run(seed: seed + 1).trace)
  }

  @Test("the wall clock may jump: nothing depends on it", arguments: 1...20 as ClosedRange<UInt64>)
  func wallClock(seed: UInt64) {
    let steady = SimulationSettings(wallClockJumps: false)
    #expect(Simulation.run(seed: seed).trace == Simulation.run(seed: seed, steady).trace)
  }

  @Test(
    "what somebody could get wrong is found", arguments: SimulationSettings.InjectedFault.allCases)
  func injected(fault: SimulationSettings.InjectedFault) {
    let settings = SimulationSettings(fault: fault)
    // The hand-over's faults are rare: their searches begin where they are found.
    let first: UInt64 = fault == .lateOwner ? 3_801 : 1
    let found = (first..<first + 300).lazy.map { Simulation.run(seed: $0, settings) }
      .first { $0.violation != nil }
    #expect(found != nil, "no seed finds \(fault.rawValue)")
    if let found { #expect(found == Simulation.run(seed: found.seed, settings)) }
  }

  @Test("each kind of end and trouble comes up")
  func variety() {
    var ends = Simulation.Outcome.endings.map { _ in 0 }
    for seed in 1...60 as ClosedRange<UInt64> {
      let outcome = Simulation.run(seed: seed)
      for place in ends.indices { ends[place] += outcome.exchanges[place] }
    }
    #expect(ends.allSatisfy { $0 > 0 }, "\(ends)")
  }
}
