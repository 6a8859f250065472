import Multiplexer
import RelayStore
import TunnelCore

/// What an agent wants to serve, as a question to the database.
struct ClaimRequest: Sendable {
  private let wish: Serve.Wish
  private let account: ID
  private let base: DomainName

  init(_ wish: Serve.Wish, account: ID, base: DomainName) {
    self.wish = wish
    self.account = account
    self.base = base
  }

  /// The endpoint, claimed if it was free. Throws what the agent is to be told.
  func carryOut(_ store: RelayStore) async throws -> ClaimedEndpoint {
    try await store.claim(try await host(store), account: account, base: base)
  }

  private func host(_ store: RelayStore) async throws -> DomainName {
    switch wish {
    case .domain(let text): try named(text)
    case .label(let label): try named("\(label).\(base)")
    case .first: try await store.firstDomain(account: account)
    }
  }

  private func named(_ text: String) throws -> DomainName {
    do { return try DomainName(text) } catch { throw StoreFault.nameInvalid(error) }
  }
}
