import GRDB
import TunnelCore

extension RelayStore {
  /// How long a released name is kept from other accounts, in days.
  package static let restDays: UInt64 = 30
  private static let dayMilliseconds: UInt64 = 86_400_000
  /// More misses in a row than this among 36 million names mean that something else is wrong.
  private static let readableTries = 100

  /// Who holds a name.
  struct Holder {
    let endpoint: ID
    let account: ID
    let isTemporary: Bool
  }

  static func holder(of host: DomainName, in database: Database) throws -> Holder? {
    let row = try Row.fetchOne(
      database,
      sql: "SELECT id, account, is_temporary FROM endpoints WHERE host = ? AND path_prefix = ''",
      arguments: [host.text])
    return try row.map {
      Holder(
        endpoint: try $0.id("id"), account: try $0.id("account"),
        isTemporary: try $0.number("is_temporary") == 1)
    }
  }

  @discardableResult
  func insertDomain(
    _ host: DomainName, of account: ID, isFirst: Bool, in database: Database
  ) throws -> ID {
    try checkRest(of: host, for: account, in: database)
    try RelayStore.checkRoom(of: account, in: database)
    // A name that comes back to its account is the first one again if it was.
    let wasFirst = try Bool.fetchOne(
      database, sql: "SELECT for_ever FROM released_names WHERE host = ? AND account = ?",
      arguments: [host.text, account.description])
    try database.execute(
      sql: "DELETE FROM released_names WHERE host = ?", arguments: [host.text])
    let id = newID()
    try database.execute(
      sql: "INSERT INTO endpoints (id, host, account, is_first, created_ms) VALUES (?, ?, ?, ?, ?)",
      arguments: [
        id.description, host.text, account.description, isFirst || wasFirst == true,
        Database.signed(now()),
      ])
    return id
  }

  static func checkRoom(of account: ID, in database: Database) throws {
    let count = try Int.fetchOne(
      database, sql: "SELECT count(*) FROM endpoints WHERE account = ?",
      arguments: [account.description])
    guard (count ?? 0) < RelayStore.domainLimit else {
      throw StoreFault.limitReached(domains: RelayStore.domainLimit)
    }
  }

  func insertFirstDomain(
    of account: ID, base: DomainName, in database: Database
  ) throws -> DomainName {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<RelayStore.readableTries {
      let label = SubdomainLabel.readable(using: &generator)
      let host: DomainName
      do throws(NameFault) {
        host = try DomainName("\(label).\(base)")
      } catch {
        throw StoreFault.domainInvalid(error)
      }
      let isKnown = try Bool.fetchOne(
        database,
        sql: """
          SELECT EXISTS (SELECT 1 FROM endpoints WHERE host = :host)
            OR EXISTS (SELECT 1 FROM released_names WHERE host = :host)
          """, arguments: ["host": host.text])
      guard isKnown == false else { continue }
      try insertDomain(host, of: account, isFirst: true, in: database)
      return host
    }
    throw StoreFault.unusable("no readable name is free below \(base)", fix: nil)
  }

  private func checkRest(of host: DomainName, for account: ID, in database: Database) throws {
    let isForEver = try Bool.fetchOne(
      database,
      sql: "SELECT for_ever FROM released_names WHERE host = ? AND account <> ?",
      arguments: [host.text, account.description])
    guard isForEver != true else { throw StoreFault.domainResting(host.text, days: nil) }
    if let days = try restDays(of: host.text, for: account, in: database) {
      throw StoreFault.domainResting(host.text, days: days)
    }
  }

  /// For how long the account must do without what another one released; nil: it may have it.
  func restDays(of name: String, for account: ID, in database: Database) throws -> Int? {
    guard
      let row = try Row.fetchOne(
        database, sql: "SELECT account, released_ms FROM released_names WHERE host = ?",
        arguments: [name]),
      row.optionalID("account") != account
    else { return nil }
    let freeAt = try row.number("released_ms") + RelayStore.restDays * RelayStore.dayMilliseconds
    let time = now()
    guard time < freeAt else { return nil }
    return Int((freeAt - time + RelayStore.dayMilliseconds - 1) / RelayStore.dayMilliseconds)
  }
}
