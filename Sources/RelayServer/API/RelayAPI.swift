import Hummingbird
import RelayStore
import TunnelCore

/// `/api/v1` and the health checks, for accounts (product.md, section 8). Reached through the
/// ingress by the base domain, over a Unix socket.
struct RelayAPI: Sendable {
  let store: RelayStore
  let presence: Presence
  let urls: PublicURL
  let base: DomainName

  struct Context: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Set by `AccountGuard` for everything below `/api/v1`.
    var login: Login?

    init(source: Source) { coreContext = .init(source: source) }
  }

  struct DomainItem: ResponseEncodable, Codable {
    let domain: String
    let url: String
    let online: Bool
  }

  struct DomainList: ResponseEncodable, Codable { let items: [DomainItem] }

  struct AccountItem: ResponseEncodable, Codable {
    let account: String
    let domains: [DomainItem]
  }

  struct DomainWish: Decodable { let domain: String }

  var router: Router<Context> {
    let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: ProblemMiddleware())
    router.get("/") { _, _ in "This is a tunnel relay: \(base)\n" }
    router.get("/healthz") { _, _ in "ok\n" }
    router.get("/readyz") { _, _ in
      _ = try await store.directory()
      return "ready\n"
    }
    // Whoever gets a certificate for each name at its first visit asks this before (Caddy's
    // on-demand TLS), or strangers could have any number made. It says no more than a request to
    // the name itself does.
    router.get("/_tunnel/ask") { request, _ in
      guard let asked = request.uri.queryParameters.get("domain"),
        let host = try? DomainName(asked), try await isOurs(host)
      else {
        throw UserError(
          code: "unknown-domain", message: "no account of this relay holds this name", fix: nil,
          exit: .other)
      }
      return "\(host) is ours\n"
    }
    let v1 = router.group("/api/v1").add(middleware: AccountGuard(store: store))
    v1.get("/account") { _, context in
      let login = try context.account
      return AccountItem(account: login.accountName, domains: try await items(login))
    }
    v1.get("/domains") { _, context in DomainList(items: try await items(try context.account)) }
    v1.post("/domains") { request, context in
      let wish = try await request.decode(as: DomainWish.self, context: context)
      let claimed = try await claim(wish.domain, try context.account)
      return EditedResponse(status: .created, response: item(claimed))
    }
    v1.delete("/domains/:name") { _, context in
      try await release(try context.parameters.require("name"), try context.account)
      return HTTPResponse.Status.noContent
    }
    return router
  }

  private func isOurs(_ host: DomainName) async throws -> Bool {
    if host == base { return true }
    return try await store.isHeld(host)
  }

  private func items(_ login: Login) async throws -> [DomainItem] {
    try await store.domains(accountID: login.account).map { item($0.host) }
      + store.tcpPorts(accountID: login.account).map { item($0.port) }
  }

  private func item(_ port: Int) -> DomainItem {
    let address = TCPAddress(host: base, port: port)
    return DomainItem(
      domain: address.name, url: "\(address)", online: presence.isOnline(base, port: port))
  }

  private func item(_ host: DomainName) -> DomainItem {
    DomainItem(domain: host.text, url: urls.url(host), online: presence.isOnline(host))
  }

  private func claim(_ text: String, _ login: Login) async throws -> DomainName {
    let host = try name(text)
    try refuseCI(login)
    _ = try await store.claim(host, by: login, base: base)
    return host
  }

  private func release(_ text: String, _ login: Login) async throws {
    if let address = TCPAddress(text) {
      try refuseCI(login)
      guard address.host == base else { throw StoreFault.noSuchDomain(address.name) }
      return try await store.releasePort(address.port, account: login.account)
    }
    let host = try name(text)
    try refuseCI(login)
    try await store.release(host, account: login.account)
  }

  /// Names that stay are a person's to claim and to give back.
  private func refuseCI(_ login: Login) throws(UserError) {
    guard login.ciPattern != nil else { return }
    throw UserError(
      code: "domain-out-of-scope", message: "a CI token claims a name by serving it, for one run",
      fix: "use a person's authtoken for names that stay")
  }

  /// A bare label means a subdomain of this relay.
  private func name(_ text: String) throws -> DomainName {
    try ClaimRequest.name(text.contains(".") ? text : "\(text).\(base)")
  }
}

extension RelayAPI.Context {
  var account: Login {
    get throws {
      guard let login else {
        throw UserError(
          code: "authtoken-missing", message: "this needs an authtoken", fix: nil,
          exit: .authentication)
      }
      return login
    }
  }
}
