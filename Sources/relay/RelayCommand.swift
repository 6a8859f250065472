import ArgumentParser
import TunnelCore

/// `relay`: the root of the commands.
struct RelayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    abstract: "The public side of the tunnel: takes requests and hands them to agents.",
    discussion: """
      A relay on this machine, for a try:
        relay serve

      A relay for the world, and its first account:
        relay serve --domain tunnel.example.com --listen [::]:443
        relay account add ann

      A domain of ann's own:
        relay domain add mine.example --account ann

      All commands work beside a running relay. Without --data they use /var/lib/relay if it is \
      there, else $XDG_DATA_HOME/tunnel-relay (~/.local/share/tunnel-relay).
      """,
    version: "relay \(Release.version)",
    subcommands: [
      ServeCommand.self, AccountCommand.self, TokenCommand.self, DomainCommand.self,
      HealthcheckCommand.self, VersionCommand.self,
    ])
}

/// `relay version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the version.")

  @Flag(help: "Print JSON.") var json = false

  func run() {
    if json {
      Output.print([("version", .string(Release.version))])
    } else {
      Output.print("relay \(Release.version)")
    }
  }
}

/// The flags that all commands on the data directory take.
struct DataFlags: ParsableArguments {
  @Option(help: ArgumentHelp("The relay's data directory.", valueName: "dir"))
  var data: String?

  @Flag(help: "Print JSON, one object a line.") var json = false
}
