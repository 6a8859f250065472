import GRDB
import TunnelCore

/// Who an authtoken belongs to.
package struct Login: Sendable, Equatable {
  package let account: ID
  package let accountName: String
  package let token: ID
  /// The names that this login may serve; nil for a person's.
  package let ciPattern: String?

  /// What the token's scope allows; whether the account holds the name is another question.
  package func mayServe(_ host: DomainName, under base: DomainName) -> Bool {
    guard let ciPattern else { return true }
    return NamePattern(ciPattern)?.matches(host, under: base) ?? false
  }
}

extension RelayStore {
  /// As the claim of an account, within what the authtoken is for. Throws `domainOutOfScope` too.
  package func claim(
    _ host: DomainName, by login: Login, base: DomainName
  ) async throws(StoreFault) -> Claim {
    guard login.mayServe(host, under: base) else {
      throw .domainOutOfScope(host.text, pattern: login.ciPattern ?? "")
    }
    return try await claim(
      host, account: login.account, base: base, isCI: login.ciPattern != nil)
  }

  /// A token's last use is written down at most once in this time, in milliseconds.
  static let useInterval: UInt64 = 60_000

  /// Finds the account of an authtoken, in the database itself: what the operator has just changed
  /// counts. Throws `tokenUnknown`, `tokenRevoked`, `accountDisabled`.
  package func login(_ text: String) async throws(StoreFault) -> Login {
    guard let token = try? Authtoken(text) else { throw .tokenUnknown }
    let hash = RelayStore.hash(token)
    let (login, lastUsed) = try await read { database in
      let sql = """
        SELECT tokens.id, account, name, scope, last_used_ms, revoked_ms, disabled_ms
        FROM tokens JOIN accounts ON accounts.id = tokens.account WHERE hash = ?
        """
      guard let row = try Row.fetchOne(database, sql: sql, arguments: [hash]) else {
        throw StoreFault.tokenUnknown
      }
      let name = try row.text("name")
      guard row.optionalNumber("revoked_ms") == nil else { throw StoreFault.tokenRevoked }
      guard row.optionalNumber("disabled_ms") == nil else {
        throw StoreFault.accountDisabled(name)
      }
      let login = Login(
        account: try row.id("account"), accountName: name, token: try row.id("id"),
        ciPattern: row.optionalText("scope"))
      return (login, row.optionalNumber("last_used_ms"))
    }
    let time = now()
    if lastUsed == nil || time >= (lastUsed ?? 0) + RelayStore.useInterval {
      // A full disk must not keep people out: the login is good without its note.
      try? await write { database in
        try database.execute(
          sql: "UPDATE tokens SET last_used_ms = ? WHERE id = ?",
          arguments: [Database.signed(time), login.token.description])
      }
    }
    return login
  }

  /// Writes down which machine of an account was here, under which label.
  /// Throws `noSuchAccount` for one removed meanwhile.
  package func sawInstall(
    _ install: ID, of account: ID, label: String
  ) async throws(StoreFault) {
    let time = Database.signed(now())
    try await write { database in
      try RelayStore.checkExists(account, in: database)
      try database.execute(
        sql: """
          INSERT INTO installs (account, id, label, first_seen_ms, last_seen_ms)
          VALUES (:account, :id, :label, :time, :time)
          ON CONFLICT (account, id) DO UPDATE SET label = :label, last_seen_ms = :time
          """,
        arguments: [
          "account": account.description, "id": install.description, "label": label, "time": time,
        ])
    }
  }
}
