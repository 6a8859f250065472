import ArgumentParser
import RelayStore
import TunnelCore

/// `relay domain`: which account holds which name.
struct DomainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "Give domains to accounts, list them, take them away.",
    discussion: """
      relay domain add mine.example --account ann
      relay domain ls
      relay domain rm mine.example
      """,
    subcommands: [Add.self, List.self, Remove.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "add", abstract: "Reserve a domain for an account.",
      discussion: "Point the domain's DNS at this machine, then `tunnel --domain DOMAIN` serves it."
    )

    @Argument(help: "The host name.") var domain: String
    @Option(help: ArgumentHelp("Who holds it from now on.", valueName: "name")) var account: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      let host = try Names.domain(domain)
      do {
        try await DataPath.openExisting(flags.data).addDomain(host, account: account)
      } catch StoreFault.domainTaken(let name) {
        throw UserError(
          code: "domain-taken", message: "\(name) belongs to another account",
          fix: "`relay domain ls` shows to which; `relay domain rm \(name)` takes it away")
      }
      if flags.json {
        Output.print([("domain", .string(host.text)), ("account", .string(account))])
      } else {
        Output.print("\(host) belongs to \(account)")
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the domains and who holds them.")

    @Option(help: ArgumentHelp("Only this account's.", valueName: "name")) var account: String?
    @OptionGroup var flags: DataFlags

    func run() async throws {
      let domains = try await DataPath.openExisting(flags.data).domains(account: account)
      if flags.json {
        for domain in domains {
          Output.print([
            ("domain", .string(domain.host.text)), ("account", .string(domain.account)),
            ("first", .bool(domain.isFirst)),
            ("created", .string(Timestamp.text(domain.created))),
          ])
        }
      } else if !domains.isEmpty {
        let rows = domains.map { domain in
          [domain.host.text, domain.account, Timestamp.text(domain.created)]
        }
        Output.print(table: [["DOMAIN", "ACCOUNT", "CREATED"]] + rows)
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Take a domain from its account.",
      discussion: "It rests for 30 days before another account can have it.")

    @Argument(help: "The host name.") var domain: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      let host = try Names.domain(domain)
      try await DataPath.openExisting(flags.data).removeDomain(host)
      if flags.json {
        Output.print([("domain", .string(host.text)), ("removed", true)])
      } else {
        Output.print("\(host) is free again in \(RelayStore.restDays) days")
      }
    }
  }
}
