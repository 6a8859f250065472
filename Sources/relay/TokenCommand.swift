import ArgumentParser
import RelayStore
import TunnelCore

/// `relay token`: the authtokens of accounts.
struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Add, list and revoke authtokens.",
    discussion: """
      relay token add ann                one more for ann, a new laptop perhaps
      relay token add ann --ci 'ci-*'    for CI: serves only names that match
      relay token ls ann
      relay token revoke ID              ends its sessions within 2 s
      """,
    subcommands: [Add.self, List.self, Revoke.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "add", abstract: "Make one more authtoken; it is shown this once.")

    @Argument(help: "The account's name.") var account: String
    @Option(help: ArgumentHelp("Only names that match, such as 'ci-*'.", valueName: "pattern"))
    var ci: String?
    @OptionGroup var flags: DataFlags

    func run() async throws {
      if let ci { try TokenCommand.check(pattern: ci) }
      let store = try DataPath.openExisting(flags.data)
      let made = try await store.addToken(account: account, ciPattern: ci)
      let token = made.token.reveal()
      if flags.json {
        Output.print([
          ("id", .string(made.id.description)), ("token", .string(token)),
          ("account", .string(account)), ("ci", JSONText(ci)),
        ])
      } else {
        Output.print(
          """
          Id         \(made.id)
          Authtoken  \(token)  (shown this once)
          """)
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the authtokens: ids and uses, never their text.")

    @Argument(help: "Only this account's.") var account: String?
    @OptionGroup var flags: DataFlags

    func run() async throws {
      let tokens = try await DataPath.openExisting(flags.data).tokens(account: account)
      if flags.json {
        for token in tokens {
          Output.print([
            ("id", .string(token.id.description)), ("account", .string(token.account)),
            ("ci", JSONText(token.ciPattern)),
            ("created", .string(Timestamp.text(token.created))),
            ("last_used", JSONText(token.lastUsed.map(Timestamp.text))),
          ])
        }
      } else if !tokens.isEmpty {
        let rows = tokens.map { token in
          [
            token.id.description, token.account, token.ciPattern ?? "-",
            token.lastUsed.map(Timestamp.text) ?? "never",
          ]
        }
        Output.print(table: [["ID", "ACCOUNT", "SCOPE", "LAST USE"]] + rows)
      }
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "revoke", abstract: "End an authtoken for ever, and its sessions within 2 s.")

    @Argument(help: "The authtoken's id, as `relay token ls` shows it.") var id: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      let token = try Names.tokenID(id)
      try await DataPath.openExisting(flags.data).revokeToken(token)
      if flags.json {
        Output.print([("id", .string(token.description)), ("revoked", true)])
      } else {
        Output.print("\(token) is revoked; its sessions end within 2 s")
      }
    }
  }

  private static func check(pattern: String) throws(UserError) {
    guard NamePattern(pattern) != nil else {
      throw UsageError.value(
        "`\(pattern)` is no pattern of names", fix: "use a-z, 0-9, hyphen and *: 'ci-*'")
    }
  }
}
