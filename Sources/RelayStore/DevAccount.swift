import TunnelCore

/// The account of a first run: its authtoken lies in `DATA/dev.token`, where an agent of the same
/// user finds it.
package struct DevAccount: Sendable, Equatable {
  package static let name = "dev"

  package let domain: DomainName
  /// The file that holds the authtoken, mode 0600.
  package let tokenFile: String
}

extension RelayStore {
  /// Makes what is missing of the account `dev`, its domain and its token file; a token that no
  /// longer works is replaced. Throws `accountDisabled` if the operator disabled it.
  package func ensureDevAccount(base: DomainName) async throws(StoreFault) -> DevAccount {
    if let domain = try await workingDevAccount() {
      return DevAccount(domain: domain, tokenFile: directory.devToken)
    }
    do {
      let made = try await addAccount(DevAccount.name, base: base)
      try directory.write(made.token.reveal() + "\n", to: directory.devToken)
      return DevAccount(domain: made.domain, tokenFile: directory.devToken)
    } catch StoreFault.nameTaken {
      let made = try await addToken(account: DevAccount.name)
      try directory.write(made.token.reveal() + "\n", to: directory.devToken)
      let held = try await domains(account: DevAccount.name)
      guard let domain = held.first?.host else { throw .noSuchDomain(base.text) }
      return DevAccount(domain: domain, tokenFile: directory.devToken)
    }
  }

  private func workingDevAccount() async throws(StoreFault) -> DomainName? {
    guard let token = try directory.read(directory.devToken) else { return nil }
    do {
      let login = try await login(token)
      guard login.accountName == DevAccount.name else { return nil }
      return try await firstDomain(account: login.account)
    } catch StoreFault.tokenUnknown, StoreFault.tokenRevoked {
      return nil
    }
  }
}
