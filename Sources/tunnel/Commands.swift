import ArgumentParser
import TunnelAgent
import TunnelCore

/// All commands, for parsing, help and completion. A tunnel's own words never come here.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tunnel",
    subcommands: [
      LoginCommand.self, ConfigCommand.self, DomainsCommand.self, StatusWords.self,
      TakeWords.self, ExplainWords.self, CompletionCommand.self, VersionCommand.self,
    ])

  /// Commands that have commands.
  static let groups = [
    "config": ["add-authtoken", "check", "path", "show"],
    "domains": ["ls", "claim", "release"],
  ]
}

struct WayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Trust the authorities in this file too.", valueName: "file"))
  var ca: String?
  @Option(help: ArgumentHelp("The way out, or `direct` for none.", valueName: "url"))
  var proxy: String?

  var request: TunnelRequest {
    var request = TunnelRequest()
    request.add("--ca", ca)
    request.add("--proxy", proxy)
    return request
  }
}

extension TunnelRequest {
  mutating func add(_ name: String, _ value: String?) {
    if let value { flags.append(.init(name: name, value: value)) }
  }
}

struct RelayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The relay to use (TUNNEL_RELAY).", valueName: "url"))
  var relay: String?
  @Option(help: ArgumentHelp("Read this file in place of tunnel.yml.", valueName: "file"))
  var config: String?
  @Flag(help: "Allow http:// to a relay that is not on this machine.")
  var plainHttp = false
  @OptionGroup var way: WayOptions
}

struct LoginCommand: AgentCommand {
  static let configuration = CommandConfiguration(
    commandName: "login", abstract: "Keep the relay's address and the authtoken.",
    discussion: """
      Asks for the authtoken without showing it, checks it with the relay, and writes both, and
      what --ca says, to the user's tunnel.yml (mode 0600).

      Example: pass show tunnel | tunnel login https://tunnel.example.com --token-stdin
      """)

  @Argument(help: "The relay: https://tunnel.example.com")
  var relayURL: String
  @Flag(help: "Read the authtoken from stdin.")
  var tokenStdin = false
  @Flag(help: "Allow http:// to a relay that is not on this machine.")
  var plainHttp = false
  @OptionGroup var way: WayOptions

  func perform(_ context: CommandContext) async throws {
    let relay = try RelayAddress.typed(relayURL, plainHTTP: plainHttp)
    let wayOut = try WayOut.login(relay, way.request, context.places)
    let file = try UserConfigFile(environment: context.places.environment)
    let token =
      tokenStdin
      ? try SecretPrompt.standardInput() : try SecretPrompt.ask("Authtoken for \(relay): ")
    try await AccountCommands.login(
      relay, token: token, ca: way.ca.map(context.places.absolute), in: file,
      context.terminal, exchange: OneShot.exchange(wayOut))
  }
}

struct ExplainWords: AgentCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "What an error means and how to mend it.",
    discussion: "Without a code it lists all. Example: tunnel explain domain-taken")

  @Argument(help: "The word in error[…].")
  var code: String?
  @Flag(help: "One JSON object a line.")
  var json = false

  func perform(_ context: CommandContext) throws {
    try ExplainCommand.run(code, json: json, context.terminal)
  }
}

struct CompletionCommand: AgentCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion", abstract: "Print a completion script for bash, zsh or fish.",
    discussion: "Example: tunnel completion zsh > ~/.zfunc/_tunnel")

  @Argument(help: "bash, zsh or fish")
  var shell: String

  func perform(_ context: CommandContext) throws {
    guard let known = CompletionShell(rawValue: shell) else {
      throw CommandGrammar.usage(
        "no completion for `\(VisibleText.of(shell))`", fix: "bash, zsh or fish")
    }
    context.terminal.line(RootCommand.completionScript(for: known))
  }
}

struct VersionCommand: AgentCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the version.")

  func perform(_ context: CommandContext) {
    context.terminal.line("tunnel \(Release.version)")
  }
}
