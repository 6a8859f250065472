import Logging
import NIOCore
import NIOPosix
import Synchronization
import TunnelAgent
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

// Many agents in one process, each with the real agent's core and a connection of its own, for
// measuring what a relay spends on them. Arguments: flags of `tunnel` that all of them share.
// stdin: a line for each agent, `AUTHTOKEN LABEL`. Says `ready N` once N serve; ends with stdin
// or SIGTERM.

/// Counts who serves, and says so.
final class Roll: Sendable {
  private let serving = Atomic<Int>(0)
  private let wanted: Int

  init(wanted: Int) { self.wanted = wanted }

  func hear(_ events: [AgentEvent]) {
    for event in events {
      switch event {
      case .ready:
        let count = serving.add(1, ordering: .relaxed).newValue
        if count == wanted { print("ready \(count)") }
      case .error(let code, let message, _): print("error[\(code)]: \(message)")
      default: break
      }
    }
    fflush(nil)
  }
}

/// An agent of its own install, for its label below the relay's domain.
func settings(_ line: String, _ shared: [String]) throws -> AgentSettings {
  let words = line.split(separator: " ").map(String.init)
  guard words.count == 2 else {
    throw UserError(code: "usage", message: "no `AUTHTOKEN LABEL`: \(line)", exit: .usage)
  }
  guard
    case .tunnel(let request) = try CommandGrammar.parse(
      shared + ["--subdomain", words[1], "--port", "9"])
  else { throw UserError(code: "usage", message: "flags of a tunnel", exit: .usage) }
  let environment = ["TUNNEL_AUTHTOKEN": words[0]]
  var random = SystemRandomNumberGenerator()
  return try AgentSettings(
    MergedSettings(request, SettingsPlaces(environment: environment, directory: "/")),
    InstallID(environment: environment, using: &random))
}

let shared = Array(CommandLine.arguments.dropFirst())
var all: [AgentSettings] = []
while let line = readLine(), !line.isEmpty { all.append(try settings(line, shared)) }
guard let first = all.first else { exit(2) }
let dialer = try first.way.dialer()
let roll = Roll(wanted: all.count)
let loop = MultiThreadedEventLoopGroup.singleton.next()
let logger = Logger(label: "crowd") { _ in SwiftLogNoOpLogHandler() }
var agents: [NIOLoopBound<Agent>] = []
for settings in all {
  agents.append(
    try await loop.submit {
      let end = loop.makePromise(of: AgentEnd.self)
      let agent = Agent(settings, dialer, loop: loop, end: end, logger: logger) { roll.hear($0) }
      agent.dial()
      return NIOLoopBound(agent, eventLoop: loop)
    }.get())
  // A login reads and writes the database; more at once would only wait there.
  try await Task.sleep(for: .milliseconds(2))
}
while readLine() != nil {}
withExtendedLifetime(agents) {}
