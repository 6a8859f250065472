import TunnelCore

/// `tunnel login` and `tunnel domains`: what the relay says about the account.
package enum AccountCommands {
  struct Account: Decodable {
    let account: String
    let domains: [Domain]?
  }

  struct Domain: Decodable {
    let domain: String
    let url: String?
    let online: Bool?

    /// A TCP endpoint is only told from a name by its whole address.
    var shown: String {
      guard let url, TCPWish.isMeant(by: url) else { return domain }
      return url
    }

    var json: JSONText {
      var members: [(key: String, value: JSONText)] = [("domain", .string(domain))]
      if let url { members.append(("url", .string(url))) }
      if let online { members.append(("online", .bool(online))) }
      return .object(members)
    }
  }

  struct Domains: Decodable {
    let items: [Domain]
  }

  /// Asks the relay whether it knows the token, then keeps both, and the file of an authority
  /// that it took. Nothing is kept of a wrong one.
  package static func login(
    _ relay: RelayAddress, token text: String, ca: String? = nil, in file: UserConfigFile,
    _ terminal: Terminal, exchange: @escaping RelayAPI.Exchange
  ) async throws(UserError) {
    let token = try AccountSettings.authtoken(text)
    let api = RelayAPI(relay, token, exchange: exchange)
    let account: Account = try await api.get("/api/v1/account")
    try file.save(relay: relay.description, authtoken: token.reveal(), ca: ca)
    ConfigCommands.saved(file, terminal)
    let names = (account.domains ?? []).map(\.domain).joined(separator: ", ")
    let holds = names.isEmpty ? "" : ", holds \(names)"
    terminal.line("Account \(VisibleText.of(account.account)) at \(relay)\(VisibleText.of(holds))")
  }

  package static func list(
    _ api: RelayAPI, json: Bool, _ terminal: Terminal
  ) async throws(UserError) {
    let domains: Domains = try await api.get("/api/v1/domains")
    let width = domains.items.map(\.shown.count).max() ?? 0
    for item in domains.items {
      guard !json else {
        terminal.line(item.json)
        continue
      }
      let padded = item.shown + String(repeating: " ", count: width - item.shown.count)
      terminal.line("\(VisibleText.of(padded))  \(item.online == true ? "online" : "offline")")
    }
    if domains.items.isEmpty && !json {
      terminal.line("No domains yet: `tunnel domains claim NAME`")
    }
  }

  package static func claim(
    _ name: String, _ api: RelayAPI, json: Bool, _ terminal: Terminal
  ) async throws(UserError) {
    let body = JSONText.object([("domain", .string(try domain(name)))])
    let item: Domain = try await api.post("/api/v1/domains", body)
    guard !json else { return terminal.line(item.json) }
    terminal.show(.claimed(domain: item.domain))
  }

  package static func release(
    _ name: String, _ api: RelayAPI, json: Bool, _ terminal: Terminal
  ) async throws(UserError) {
    let port = TCPAddress(name)?.name
    let name = if let port { port } else { try domain(name) }
    try await api.delete("/api/v1/domains/\(name)")
    guard json else { return terminal.line("Released    \(name)") }
    terminal.line(.object([("domain", .string(name)), ("released", true)]))
  }

  /// A name or label as a person types it, `https://` and all. It is safe within a path then.
  private static func domain(_ text: String) throws(UserError) -> String {
    try Sourced(text, .flag("NAME")).read(DomainWish.init(_:)).value.description
  }
}
