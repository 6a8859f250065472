import ArgumentParser
import TunnelAgent

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "The configuration files.",
    subcommands: [AddAuthtoken.self, Check.self, Path.self, Show.self])

  struct AddAuthtoken: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "add-authtoken", abstract: "Keep an authtoken in the user's tunnel.yml.",
      discussion: "Better not typed: echo $TOKEN | tunnel config add-authtoken -")

    @Argument(help: "The authtoken, or - to read it from stdin.")
    var token: String

    func perform(_ context: CommandContext) throws {
      let text = token == "-" ? try SecretPrompt.standardInput() : token
      let file = try UserConfigFile(environment: context.places.environment)
      try ConfigCommands.addAuthtoken(text, to: file, context.terminal)
    }
  }

  struct Check: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Check the configuration files that count here.")

    @OptionGroup var options: RelayOptions

    func perform(_ context: CommandContext) throws {
      ConfigCommands.check(try context.merged(options), context.terminal)
    }
  }

  struct Path: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "path", abstract: "Print where the user's tunnel.yml lies.")

    func perform(_ context: CommandContext) throws {
      let file = try UserConfigFile(environment: context.places.environment)
      ConfigCommands.path(file, context.terminal)
    }
  }

  struct Show: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Print the settings that count here, each with its source.")

    @OptionGroup var options: RelayOptions
    @Flag(help: "One JSON object.")
    var json = false

    func perform(_ context: CommandContext) throws {
      ConfigCommands.show(try context.merged(options), json: json, context.terminal)
    }
  }
}

struct DomainsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domains", abstract: "The names that the account holds.",
    subcommands: [List.self, Claim.self, Release.self], defaultSubcommand: List.self)

  struct List: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the account's domains.")

    @OptionGroup var options: RelayOptions
    @Flag(help: "One JSON object a line.")
    var json = false

    func perform(_ context: CommandContext) async throws {
      try await AccountCommands.list(try context.api(options), json: json, context.terminal)
    }
  }

  struct Claim: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "claim", abstract: "Claim a free name below the relay's own.",
      discussion: "Example: tunnel domains claim brave")

    @Argument(help: "A label, or the whole name.")
    var name: String
    @OptionGroup var options: RelayOptions
    @Flag(help: "One JSON object.")
    var json = false

    func perform(_ context: CommandContext) async throws {
      try await AccountCommands.claim(
        name, try context.api(options), json: json, context.terminal)
    }
  }

  struct Release: AgentCommand {
    static let configuration = CommandConfiguration(
      commandName: "release", abstract: "Give a name back; it rests for 30 days.")

    @Argument(help: "A label, or the whole name.")
    var name: String
    @OptionGroup var options: RelayOptions
    @Flag(help: "One JSON object.")
    var json = false

    func perform(_ context: CommandContext) async throws {
      try await AccountCommands.release(
        name, try context.api(options), json: json, context.terminal)
    }
  }
}
