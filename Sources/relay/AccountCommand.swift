import ArgumentParser
import RelayStore
import TunnelCore

/// `relay account`: who may use the relay.
struct AccountCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account", abstract: "Add, list, disable and remove accounts.",
    discussion: """
      relay account add ann          prints the authtoken, once, and the account's first domain
      relay account ls --json        one object a line
      relay account disable ann      ends ann's sessions; what ann holds stays
      relay account rm ann           removes ann; the names rest before others can have them
      """,
    subcommands: [Add.self, List.self, Disable.self, Enable.self, Remove.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "add", abstract: "Make an account; print its authtoken and first domain.",
      discussion: """
        The authtoken is shown this once: only a hash is kept. It works before the relay's first \
        start too; then name the relay's domain with --domain, or the subdomain stands below \
        localhost until `relay serve --domain` has run, which moves it below its own.

        relay account add ann
        relay account add ann --data /var/lib/relay --domain tunnel.example.com --json
        """)

    @Argument(help: "The account's name: a-z, 0-9, hyphen, dot, underscore.") var name: String
    @Option(help: ArgumentHelp("The relay's domain, before its first start.", valueName: "domain"))
    var domain: String?
    @OptionGroup var flags: DataFlags

    func run() async throws {
      let store = try RelayStore(directory: DataPath.forCommands(flags.data))
      let base = try await base(of: store)
      let made = try await store.addAccount(name, base: base.name)
      let token = made.token.reveal()
      if flags.json {
        Output.print([
          ("account", .string(made.name)), ("authtoken", .string(token)),
          ("domain", .string(made.domain.text)),
        ])
      } else {
        Output.print(
          """
          Account    \(made.name)
          Authtoken  \(token)  (shown this once)
          Domain     \(made.domain)
          """)
      }
      if !base.isSettled && base.name.text == "localhost" {
        Output.complain(
          """
          The relay's domain is not known yet: the name stands below \(base.name) until \
          `relay serve --domain NAME` has run.
          """)
      }
    }

    private func base(of store: RelayStore) async throws -> BaseDomain {
      let given = try domain.map { try Names.domain($0) }
      let known = try await store.base()
      if let known, known.isSettled {
        guard given == nil || given == known.name else {
          throw UsageError.value(
            "this relay's domain is \(known.name)", fix: "leave --domain away")
        }
        return known
      }
      if let given { return try await store.assumeBase(given) }
      if let known { return known }
      return try await store.assumeBase(try Names.domain("localhost"))
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the accounts.")

    @OptionGroup var flags: DataFlags

    func run() async throws {
      let accounts = try await DataPath.openExisting(flags.data).accounts()
      if flags.json {
        for account in accounts {
          Output.print([
            ("account", .string(account.name)), ("id", .string(account.id.description)),
            ("disabled", .bool(account.isDisabled)), ("domains", .number(Int64(account.domains))),
            ("tokens", .number(Int64(account.tokens))),
            ("created", .string(Timestamp.text(account.created))),
          ])
        }
      } else if !accounts.isEmpty {
        let rows = accounts.map { account in
          [
            account.name, account.isDisabled ? "disabled" : "active", "\(account.domains)",
            "\(account.tokens)", Timestamp.text(account.created),
          ]
        }
        Output.print(table: [["ACCOUNT", "STATE", "DOMAINS", "TOKENS", "CREATED"]] + rows)
      }
    }
  }
}
