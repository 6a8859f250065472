import GRDB
import TunnelCore

/// A domain that an account holds. Times are Unix milliseconds.
package struct DomainRecord: Sendable, Equatable {
  package let endpoint: ID
  package let host: DomainName
  package let account: String
  /// The readable one that was made with the account.
  package let isFirst: Bool
  package let created: UInt64
}

/// What a claim came to.
package struct Claim: Sendable, Equatable {
  package let endpoint: ID
  /// It was free, and the account got it just now.
  package let isNew: Bool
  /// A CI token claimed it: it is freed when its agent ends.
  package var isTemporary = false
}

extension RelayStore {
  /// Domains and TCP ports of one account at most.
  package static let domainLimit = 100

  /// The operator gives a name to an account. Throws `noSuchAccount`, `domainReserved` (also for
  /// the base itself), `domainTaken`, `domainHeldAlready`, `domainResting`, `limitReached`.
  package func addDomain(_ host: DomainName, account name: String) async throws(StoreFault) {
    try await write { [self] database in
      guard let account = try RelayStore.accountID(name, in: database) else {
        throw StoreFault.noSuchAccount(name)
      }
      let base = try RelayStore.base(in: database)?.name
      let label = base.flatMap { host.label(under: $0) } ?? ""
      guard host != base, host.text != "localhost", !ReservedLabels.contains(label) else {
        throw StoreFault.domainReserved(host.text)
      }
      if let holder = try RelayStore.holder(of: host, in: database) {
        throw holder.account == account
          ? StoreFault.domainHeldAlready(host.text) : StoreFault.domainTaken(host.text)
      }
      try insertDomain(host, of: account, isFirst: false, in: database)
    }
  }

  /// An agent wants to serve a name: one that its account holds, or a free subdomain of `base`,
  /// which becomes the account's, for a CI token (`isCI`) until its agent ends. Throws
  /// `domainNotHeld`, `domainTaken`, `domainIsPersons`, `domainInvalid`, `domainReserved`,
  /// `domainResting`, `limitReached`, `noSuchAccount` for one removed meanwhile.
  package func claim(
    _ host: DomainName, account: ID, base: DomainName, isCI: Bool = false
  ) async throws(StoreFault) -> Claim {
    let held = try await read { database in try RelayStore.holder(of: host, in: database) }
    if let held, isCI || !held.isTemporary {
      return try RelayStore.claim(of: held, by: account, host: host, isCI: isCI)
    }
    return try await write { [self] database in
      if let held = try RelayStore.holder(of: host, in: database) {
        let claim = try RelayStore.claim(of: held, by: account, host: host, isCI: isCI)
        guard claim.isTemporary, !isCI else { return claim }
        // A person claims it: it stays.
        try RelayStore.setTemporary(held.endpoint, false, in: database)
        return Claim(endpoint: claim.endpoint, isNew: false)
      }
      try RelayStore.checkExists(account, in: database)
      guard host != base else { throw StoreFault.domainReserved(host.text) }
      guard let label = host.label(under: base) else {
        throw StoreFault.domainNotHeld(host.text)
      }
      do throws(NameFault) {
        _ = try SubdomainLabel(label)
      } catch .reserved {
        throw StoreFault.domainReserved(host.text)
      } catch {
        throw StoreFault.domainInvalid(error)
      }
      let endpoint = try insertDomain(host, of: account, isFirst: false, in: database)
      if isCI { try RelayStore.setTemporary(endpoint, true, in: database) }
      return Claim(endpoint: endpoint, isNew: true, isTemporary: isCI)
    }
  }

  /// An account gives a name back; it rests for 30 days. Throws `noSuchDomain`, also where another
  /// account holds it: nobody learns what others hold.
  package func release(_ host: DomainName, account: ID) async throws(StoreFault) {
    try await remove(host, of: account)
  }

  /// The operator takes a name away from whoever holds it. Throws `noSuchDomain`.
  package func removeDomain(_ host: DomainName) async throws(StoreFault) {
    try await remove(host, of: nil)
  }

  /// The domains of one account or of all, an account's first one first. Throws `noSuchAccount`.
  package func domains(account name: String? = nil) async throws(StoreFault) -> [DomainRecord] {
    try await read { database in
      if let name, try RelayStore.accountID(name, in: database) == nil {
        throw StoreFault.noSuchAccount(name)
      }
      return try RelayStore.domains(
        where: "accounts.name = :name OR :name IS NULL", ["name": name], in: database)
    }
  }

  /// The domains of an account by its id; none for one that is gone.
  package func domains(accountID: ID) async throws(StoreFault) -> [DomainRecord] {
    try await read { database in
      try RelayStore.domains(
        where: "accounts.id = :id", ["id": accountID.description], in: database)
    }
  }

  /// Whether any account holds the name.
  package func isHeld(_ host: DomainName) async throws(StoreFault) -> Bool {
    try await read { database in try RelayStore.holder(of: host, in: database) != nil }
  }

  /// What `tunnel 3000` serves: the name made with the account, else its oldest.
  package func firstDomain(account: ID) async throws(StoreFault) -> DomainName? {
    try await domains(accountID: account).first?.host
  }

  private static func domains(
    where condition: String, _ arguments: StatementArguments, in database: Database
  ) throws -> [DomainRecord] {
    let sql = """
      SELECT endpoints.id, host, accounts.name, is_first, endpoints.created_ms
      FROM endpoints JOIN accounts ON accounts.id = endpoints.account
      WHERE port IS NULL AND (\(condition))
      ORDER BY accounts.name, is_first DESC, endpoints.created_ms, endpoints.rowid
      """
    return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
      DomainRecord(
        endpoint: try row.id("id"), host: try row.domain("host"), account: try row.text("name"),
        isFirst: try row.number("is_first") == 1, created: try row.number("created_ms"))
    }
  }

  private func remove(_ host: DomainName, of account: ID?) async throws(StoreFault) {
    let time = Database.signed(now())
    try await write { database in
      guard let held = try RelayStore.holder(of: host, in: database),
        account == nil || account == held.account
      else { throw StoreFault.noSuchDomain(host.text) }
      try RelayStore.erase(held.endpoint, at: time, in: database)
    }
  }

  /// The name, or the port, begins its rest.
  static func erase(_ endpoint: ID, at time: Int64, in database: Database) throws {
    try database.execute(
      sql: """
        INSERT OR REPLACE INTO released_names (host, account, released_ms, for_ever)
        SELECT host || path_prefix, account, ?, is_first FROM endpoints WHERE id = ?
        """, arguments: [time, endpoint.description])
    try database.execute(
      sql: "DELETE FROM endpoints WHERE id = ?", arguments: [endpoint.description])
  }

  private static func setTemporary(
    _ endpoint: ID, _ isTemporary: Bool, in database: Database
  ) throws {
    try database.execute(
      sql: "UPDATE endpoints SET is_temporary = ? WHERE id = ?",
      arguments: [isTemporary, endpoint.description])
  }

  private static func claim(
    of held: Holder, by account: ID, host: DomainName, isCI: Bool
  ) throws(StoreFault) -> Claim {
    guard held.account == account else { throw .domainTaken(host.text) }
    guard held.isTemporary || !isCI else { throw .domainIsPersons(host.text) }
    return Claim(endpoint: held.endpoint, isNew: false, isTemporary: held.isTemporary)
  }
}
