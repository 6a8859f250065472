import TunnelCore

/// A relay and its successors, agents of several installs, their links and clocks, all of them the
/// real machines of TunnelCore and Multiplexer, under one seed and in virtual time (decision: what
/// can be decided without a socket can be tried without one). Same seed, same run.
package struct Simulation: Sendable {
  /// Longer than an owner that is gone keeps its place, and everything that may come before.
  private static let tail = Duration.seconds(150)

  package struct Outcome: Sendable, Equatable {
    package let seed: UInt64
    /// The promise that was broken; nil: none.
    package let violation: String?
    package let trace: Trace
    package let steps: Int
    /// How exchanges ended, in the order of `endings`.
    package let exchanges: [Int]
    package let owners: Int

    package static let endings = [
      "answered", "refused", "lost", "offline", "cancelled", "relay gone",
    ]

    /// For people: what was broken, and how it came to that.
    package func report(last count: Int) -> String {
      let words = violation ?? "nothing is broken"
      let lines = trace.last.suffix(count).map { "  \($0)" }
      return (["seed \(seed): \(words)"] + lines).joined(separator: "\n")
    }
  }

  package static func run(
    seed: UInt64, _ settings: SimulationSettings = SimulationSettings()
  ) -> Outcome {
    let world = World(seed: seed, settings)
    let site = Site(world, names: world.dice.chance(30) ? 2 : 1)
    let machines = (1...3).map { Machine($0, world) }
    let end = world.now + world.dice.milliseconds(5_000, world.dice.chance(20) ? 240_000 : 60_000)
    let script = Script(site, machines: machines, end: end, world)
    script.begin()
    world.run(until: end + tail)
    if world.violation == nil { site.witness.settled(site) }
    world.run(until: world.now + .seconds(45))
    defer {
      site.end()
      world.end()
    }
    let ends = (0..<UInt64(Outcome.endings.count)).map { number in
      RelayExchange.End(rawValue: number).flatMap { site.witness.counts[$0] } ?? 0
    }
    return Outcome(
      seed: seed, violation: world.violation, trace: world.trace, steps: world.steps,
      exchanges: ends, owners: site.witness.owners)
  }
}
