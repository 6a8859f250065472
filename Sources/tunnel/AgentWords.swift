import ArgumentParser
import TunnelAgent
import TunnelCore

/// Which running agent is meant.
struct AgentOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The agent of this domain.", valueName: "name"))
  var domain: String?
  @Option(help: ArgumentHelp("The agent at this web address.", valueName: "addr"))
  var webAddr: String?

  func choice() throws -> RunningAgents.Choice {
    try RunningAgents.Choice(domain: domain, webAddress: webAddr)
  }
}

struct StatusWords: AskingCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "How the running agents are.",
    discussion: """
      Ends with 0 if all are online, 75 if one is reconnecting or in standby, 69 if none runs.

      Example: tunnel status --domain mine.example --json
      """)

  @OptionGroup var options: AgentOptions
  @Flag(help: "One JSON object a line, for each agent.")
  var json = false

  func answer(_ context: CommandContext) async throws -> Int32 {
    try await AgentCommands.status(
      try options.choice(), RunningAgents(context.places), json: json, context.terminal
    ).rawValue
  }
}

struct TakeWords: AgentCommand {
  static let configuration = CommandConfiguration(
    commandName: "take", abstract: "Give an agent in standby its domain back.",
    discussion: """
      The agent that serves it now, of another install, goes to standby.

      Example: tunnel take --domain mine.example
      """)

  @OptionGroup var options: AgentOptions

  func perform(_ context: CommandContext) async throws {
    try await AgentCommands.take(
      try options.choice(), RunningAgents(context.places), context.terminal)
  }
}
