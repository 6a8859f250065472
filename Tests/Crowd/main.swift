import Logging
import NIOCore
import NIOPosix
import TunnelAgent
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

// Many agents in one process, each with the real agent's core and a connection of its own, for
// measuring what a relay spends on them. Arguments: flags of `tunnel` that all of them share.
// stdin: a line for each agent, `AUTHTOKEN LABEL`. Says `ready N` once N serve; ends with stdin
// or SIGTERM.

/// Who serves, one after the other; and what went wrong, on stdout.
final class Roll: Sendable {
  let ready: AsyncStream<Void>
  private let call: AsyncStream<Void>.Continuation

  init() { (ready, call) = AsyncStream.makeStream() }

  func hear(_ events: [AgentEvent]) {
    for event in events {
      switch event {
      case .ready: call.yield()
      case .error(let code, let message, _): say("error[\(code)]: \(message)")
      default: break
      }
    }
  }
}

func say(_ line: String) {
  print(line)
  fflush(nil)
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
let roll = Roll()
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
  // One after the other: more logins at once would only wait for the database.
  for await _ in roll.ready { break }
}
say("ready \(agents.count)")
while readLine() != nil {}
withExtendedLifetime(agents) {}
