import Crypto
import GRDB
import TunnelCore

/// An authtoken as the operator sees it: never its text. Times are Unix milliseconds.
package struct TokenRecord: Sendable, Equatable {
  package let id: ID
  package let account: String
  /// The names that a CI token may serve, `ci-*`; nil for a person's.
  package let ciPattern: String?
  package let created: UInt64
  package let lastUsed: UInt64?
}

/// An authtoken that was just made. Its text can be shown this once.
package struct NewToken: Sendable {
  package let id: ID
  package let token: Authtoken
}

extension RelayStore {
  /// Makes one more authtoken. Throws `noSuchAccount`.
  package func addToken(
    account name: String, ciPattern: String? = nil
  ) async throws(StoreFault) -> NewToken {
    try await write { [self] database in
      guard let account = try RelayStore.accountID(name, in: database) else {
        throw StoreFault.noSuchAccount(name)
      }
      return try insertToken(of: account, scope: ciPattern, in: database)
    }
  }

  /// The live authtokens of one account or of all, oldest first. Throws `noSuchAccount`.
  package func tokens(account name: String? = nil) async throws(StoreFault) -> [TokenRecord] {
    try await read { database in
      if let name, try RelayStore.accountID(name, in: database) == nil {
        throw StoreFault.noSuchAccount(name)
      }
      let sql = """
        SELECT tokens.id, accounts.name, scope, tokens.created_ms, last_used_ms
        FROM tokens JOIN accounts ON accounts.id = tokens.account
        WHERE revoked_ms IS NULL AND (accounts.name = :name OR :name IS NULL)
        ORDER BY tokens.created_ms, tokens.rowid
        """
      return try Row.fetchAll(database, sql: sql, arguments: ["name": name]).map { row in
        TokenRecord(
          id: try row.id("id"), account: try row.text("name"),
          ciPattern: row.optionalText("scope"), created: try row.number("created_ms"),
          lastUsed: row.optionalNumber("last_used_ms"))
      }
    }
  }

  /// Ends an authtoken for ever. Throws `noSuchToken`, also where it was revoked before.
  package func revokeToken(_ id: ID) async throws(StoreFault) {
    let time = now()
    try await write { database in
      try database.execute(
        sql: "UPDATE tokens SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL",
        arguments: [Database.signed(time), id.description])
      guard database.changesCount == 1 else { throw StoreFault.noSuchToken(id.description) }
    }
  }

  func insertToken(
    of account: ID, scope: String?, in database: Database
  ) throws -> NewToken {
    var generator = SystemRandomNumberGenerator()
    let new = NewToken(id: newID(), token: Authtoken.random(using: &generator))
    try database.execute(
      sql: "INSERT INTO tokens (id, account, hash, scope, created_ms) VALUES (?, ?, ?, ?, ?)",
      arguments: [
        new.id.description, account.description, RelayStore.hash(new.token), scope,
        Database.signed(now()),
      ])
    return new
  }

  /// SHA-256 in hex. A plain hash is enough: 178 random bits cannot be guessed, so that salt and
  /// stretching would only slow the login.
  static func hash(_ token: Authtoken) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in SHA256.hash(data: Array(token.reveal().utf8)) {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 0xf)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
