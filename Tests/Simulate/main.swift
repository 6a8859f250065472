import Simulation

#if canImport(Glibc)
  import Glibc
#endif

// Many runs of the simulation, for ./dev show link.11. Arguments: FIRST LAST [FAULT]. Says the
// first seed that breaks a promise and how it came to that, exit 1; else what happened in all of
// them. `faults` lists what can be got wrong on purpose.

typealias Fault = SimulationSettings.InjectedFault

let words = Array(CommandLine.arguments.dropFirst())
if words == ["faults"] {
  for fault in Fault.allCases { print(fault.rawValue) }
  exit(0)
}
guard words.count >= 2, let first = UInt64(words[0]), let last = UInt64(words[1]), first <= last,
  words.count == 2 || Fault(rawValue: words[2]) != nil
else {
  print("simulate FIRST LAST [FAULT], or: simulate faults")
  exit(2)
}
let settings = SimulationSettings(fault: words.count == 2 ? nil : Fault(rawValue: words[2]))
var exchanges = Simulation.Outcome.endings.map { _ in 0 }
var (steps, owners) = (0, 0)
for seed in first...last {
  let outcome = Simulation.run(seed: seed, settings)
  if outcome.violation != nil {
    print(outcome.report(last: 120))
    exit(1)
  }
  steps += outcome.steps
  owners += outcome.owners
  for place in exchanges.indices { exchanges[place] += outcome.exchanges[place] }
}
let ends = zip(Simulation.Outcome.endings, exchanges).map { "\($0) \($1)" }
print("seeds \(first) to \(last): no promise is broken")
print("  \(steps) steps, \(owners) owners; exchanges: \(ends.joined(separator: ", "))")
