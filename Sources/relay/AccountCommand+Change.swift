import ArgumentParser
import RelayStore
import TunnelCore

extension AccountCommand {
  struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "disable", abstract: "Refuse an account's logins and end its sessions.",
      discussion: "`relay account enable NAME` undoes it.")

    @Argument(help: "The account's name.") var name: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      try await DataPath.openExisting(flags.data).disableAccount(name)
      AccountCommand.report(
        name, "disabled", true, "\(name) is disabled; its sessions end within 2 s", flags)
    }
  }

  struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "enable", abstract: "Let a disabled account in again.")

    @Argument(help: "The account's name.") var name: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      try await DataPath.openExisting(flags.data).enableAccount(name)
      AccountCommand.report(name, "disabled", false, "\(name) is enabled", flags)
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove an account, its authtokens and its domains.",
      discussion: """
        Its names rest for 30 days before another account can have them; its first one is never \
        given away.
        """)

    @Argument(help: "The account's name.") var name: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      try await DataPath.openExisting(flags.data).removeAccount(name)
      AccountCommand.report(
        name, "removed", true, "\(name) is removed; its sessions end within 2 s", flags)
    }
  }

  private static func report(
    _ name: String, _ key: String, _ value: Bool, _ text: String, _ flags: DataFlags
  ) {
    if flags.json {
      Output.print([("account", .string(name)), (key, .bool(value))])
    } else {
      Output.print(text)
    }
  }
}
