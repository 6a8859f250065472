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
      let store = try DataPath.openExisting(flags.data)
      let domains = try await store.domains(account: account)
      let base = try await store.base()?.name
      let ports = try await store.tcpPorts(account: account).compactMap { port in
        base.map { (TCPAddress(host: $0, port: port.port), port) }
      }
      if flags.json {
        for domain in domains {
          Output.print([
            ("domain", .string(domain.host.text)), ("account", .string(domain.account)),
            ("first", .bool(domain.isFirst)),
            ("created", .string(Timestamp.text(domain.created))),
          ])
        }
        for (address, port) in ports {
          Output.print([
            ("domain", .string(address.name)), ("account", .string(port.account)),
            ("first", .bool(false)), ("created", .string(Timestamp.text(port.created))),
            ("label", .string(port.label ?? "")),
          ])
        }
      } else if !domains.isEmpty || !ports.isEmpty {
        let rows =
          domains.map { domain in
            [domain.host.text, domain.account, Timestamp.text(domain.created)]
          }
          + ports.map { address, port in
            ["\(address)", port.account, Timestamp.text(port.created)]
          }
        Output.print(table: [["DOMAIN", "ACCOUNT", "CREATED"]] + rows)
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Take a domain from its account.",
      discussion: "It rests for 30 days before another account can have it.")

    @Argument(help: "The host name, or a TCP address: tcp://NAME:PORT.") var domain: String
    @OptionGroup var flags: DataFlags

    func run() async throws {
      if let address = TCPAddress(domain) { return try await free(address) }
      let host = try Names.domain(domain)
      try await DataPath.openExisting(flags.data).removeDomain(host)
      if flags.json {
        Output.print([("domain", .string(host.text)), ("removed", true)])
      } else {
        Output.print("\(host) is free again in \(RelayStore.restDays) days")
      }
    }

    private func free(_ address: TCPAddress) async throws {
      let store = try DataPath.openExisting(flags.data)
      guard try await store.base()?.name == address.host else {
        throw StoreFault.noSuchDomain("\(address)")
      }
      try await store.releasePort(address.port, account: nil)
      if flags.json {
        Output.print([("domain", .string(address.name)), ("removed", true)])
      } else {
        Output.print("\(address) is nobody's any more")
      }
    }
  }
}
