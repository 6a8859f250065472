import Simulation
import Testing

@Suite("The simulation") struct SimulationTests {
  @Test("a seed replays exactly", arguments: 1...10 as ClosedRange<UInt64>)
  func replay(seed: UInt64) {
    let first = Simulation.run(seed: seed)
    #expect(first == Simulation.run(seed: seed))
    #expect(first.trace.count > 20)
  }
}
