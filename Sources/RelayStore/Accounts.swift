import GRDB
import TunnelCore

/// An account as the operator sees it. Times are Unix milliseconds.
package struct AccountRecord: Sendable, Equatable {
  package let id: ID
  package let name: String
  package let created: UInt64
  package let isDisabled: Bool
  package let domains: Int
  package let tokens: Int
}

/// An account that was just made. Its authtoken can be shown this once.
package struct NewAccount: Sendable {
  package let id: ID
  package let name: String
  package let token: Authtoken
  package let domain: DomainName
}

extension RelayStore {
  /// Makes an account with one authtoken and one readable subdomain of `base` that is its own for
  /// ever. Throws `accountNameInvalid`, `nameTaken`.
  package func addAccount(
    _ name: String, base: DomainName
  ) async throws(StoreFault) -> NewAccount {
    guard RelayStore.isAccountName(name) else { throw .accountNameInvalid(name) }
    let (id, time) = (newID(), now())
    return try await write { [self] database in
      guard try RelayStore.accountID(name, in: database) == nil else {
        throw StoreFault.nameTaken(name)
      }
      try database.execute(
        sql: "INSERT INTO accounts (id, name, created_ms) VALUES (?, ?, ?)",
        arguments: [id.description, name, Database.signed(time)])
      let token = try insertToken(of: id, scope: nil, in: database).token
      let domain = try insertFirstDomain(of: id, base: base, in: database)
      return NewAccount(id: id, name: name, token: token, domain: domain)
    }
  }

  /// All accounts, by name.
  package func accounts() async throws(StoreFault) -> [AccountRecord] {
    try await read { database in
      let sql = """
        SELECT id, name, created_ms, disabled_ms,
          (SELECT count(*) FROM endpoints WHERE account = accounts.id) AS domains,
          (SELECT count(*) FROM tokens
            WHERE account = accounts.id AND revoked_ms IS NULL) AS tokens
        FROM accounts ORDER BY name
        """
      return try Row.fetchAll(database, sql: sql).map { row in
        AccountRecord(
          id: try row.id("id"), name: try row.text("name"), created: try row.number("created_ms"),
          isDisabled: row.optionalNumber("disabled_ms") != nil,
          domains: Int(try row.number("domains")), tokens: Int(try row.number("tokens")))
      }
    }
  }

  /// Ends every login of the account; what it holds stays. Throws `noSuchAccount`.
  package func disableAccount(_ name: String) async throws(StoreFault) {
    try await setDisabled(name, at: now())
  }

  /// Undoes `disableAccount`. Throws `noSuchAccount`.
  package func enableAccount(_ name: String) async throws(StoreFault) {
    try await setDisabled(name, at: nil)
  }

  /// Removes the account with its authtokens; its names begin their rest. Throws `noSuchAccount`.
  package func removeAccount(_ name: String) async throws(StoreFault) {
    let time = now()
    try await write { database in
      guard let id = try RelayStore.accountID(name, in: database) else {
        throw StoreFault.noSuchAccount(name)
      }
      try database.execute(
        sql: """
          INSERT OR REPLACE INTO released_names (host, account, released_ms, for_ever)
          SELECT host || path_prefix, account, ?, is_first FROM endpoints WHERE account = ?
          """, arguments: [Database.signed(time), id.description])
      try database.execute(
        sql: "DELETE FROM endpoints WHERE account = ?", arguments: [id.description])
      try database.execute(sql: "DELETE FROM accounts WHERE id = ?", arguments: [id.description])
    }
  }

  private func setDisabled(_ name: String, at time: UInt64?) async throws(StoreFault) {
    try await write { database in
      try database.execute(
        sql: "UPDATE accounts SET disabled_ms = ? WHERE name = ?",
        arguments: [time.map(Database.signed), name])
      guard database.changesCount == 1 else { throw StoreFault.noSuchAccount(name) }
    }
  }

  static func accountID(_ name: String, in database: Database) throws -> ID? {
    let row = try Row.fetchOne(
      database, sql: "SELECT id FROM accounts WHERE name = ?", arguments: [name])
    return try row?.id("id")
  }

  static func checkExists(_ account: ID, in database: Database) throws {
    let exists = try Bool.fetchOne(
      database, sql: "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?)",
      arguments: [account.description])
    guard exists == true else { throw StoreFault.noSuchAccount(account.description) }
  }

  private static func isAccountName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard let first = bytes.first, bytes.count <= 63 else { return false }
    let isWord = { (byte: UInt8) in (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
    let marks = Array("-._".utf8)
    return isWord(first) && bytes.allSatisfy { isWord($0) || marks.contains($0) }
  }
}
