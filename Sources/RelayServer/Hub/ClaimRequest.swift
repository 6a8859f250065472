import Logging
import Multiplexer
import RelayStore
import TunnelCore

/// What the database says of an endpoint that an agent may serve.
struct ClaimedEndpoint: Sendable {
  let endpoint: ID
  let host: DomainName
  let lastOwner: EndpointOwner
  /// It was free and became the account's just now.
  let isNew: Bool
  /// A CI token's: freed when its agent ends.
  let isTemporary: Bool
  /// The relay before this one left it, and nobody has asked for it since.
  var isLeft = false
  /// Of a TCP endpoint; its host is the relay's own.
  let port: Int?

  init(
    endpoint: ID, host: DomainName, lastOwner: EndpointOwner, isNew: Bool = false,
    isTemporary: Bool = false, port: Int? = nil
  ) {
    self.endpoint = endpoint
    self.host = host
    self.port = port
    self.lastOwner = lastOwner
    self.isNew = isNew
    self.isTemporary = isTemporary
  }

  /// As the relay that ran before left it: its owner is awaited as one that was lost just now.
  func ownership(at now: Moment) -> Ownership {
    guard let install = lastOwner.install, let instance = lastOwner.instance else {
      return Ownership(epoch: lastOwner.epoch)
    }
    let owner = Contender(
      install: install, instance: instance, session: instance, label: "the agent of before",
      heldEpoch: lastOwner.epoch)
    return Ownership(epoch: lastOwner.epoch, awaiting: owner, at: now)
  }
}

/// What an agent wants to serve, as a question to the database.
struct ClaimRequest: Sendable {
  let wish: Serve.Wish
  let login: Login
  let base: DomainName
  /// Nil: this relay has no TCP ports for anybody.
  let offer: TCPOffer?
  let logger: Logger

  /// The endpoint, claimed if it was free. Throws what the agent is to be told.
  func carryOut(_ store: RelayStore) async throws -> ClaimedEndpoint {
    if case .tcp(let port, let label, let host) = wish {
      let request = PortClaimRequest(
        port: port.map(Int.init), label: label, host: host, login: login, base: base,
        offer: offer, logger: logger)
      return try await request.carryOut(store)
    }
    let host = try await host(store)
    let claim = try await store.claim(host, by: login, base: base)
    let owner = try await store.owner(of: claim.endpoint)
    return ClaimedEndpoint(
      endpoint: claim.endpoint, host: host, lastOwner: owner, isNew: claim.isNew,
      isTemporary: claim.isTemporary)
  }

  private func host(_ store: RelayStore) async throws -> DomainName {
    switch wish {
    case .domain(let text): return try Self.name(text)
    case .label(let label): return try Self.name("\(label).\(base)")
    case .first, .tcp:
      if let first = try await store.firstDomain(account: login.account) { return first }
      throw UserError(
        code: "domain-not-held", message: "your account holds no domain",
        fix: "claim one with `tunnel domains claim NAME`, or name one with --domain")
    }
  }

  static func name(_ text: String) throws -> DomainName {
    do { return try DomainName(text) } catch { throw StoreFault.domainInvalid(error) }
  }
}
