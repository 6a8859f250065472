import GRDB
import TunnelCore

/// A TCP port of the relay that an account holds. Times are Unix milliseconds.
package struct TCPPortRecord: Sendable, Equatable {
  package let endpoint: ID
  package let port: Int
  package let account: String
  /// What it was given for: a name, or the app's address.
  package let label: String?
  package let created: UInt64
}

/// What a claim of a port came to.
package struct PortClaim: Sendable, Equatable {
  package let endpoint: ID
  package let port: Int
  /// It was free, and the account got it just now.
  package let isNew: Bool
}

/// TCP endpoints stand among the others with no host, their port as the path prefix (`:20007`) and
/// in a column of its own. An account finds its port again by the label that it asks with.
extension RelayStore {
  /// A label's limit, in bytes.
  package static let labelLimit = 253

  /// The port that the account holds for what it asks: this one, or the label's. Nil if it has none
  /// yet. Throws `portTaken`.
  package func heldPort(
    _ port: Int?, label: String, account: ID
  ) async throws(StoreFault) -> PortClaim? {
    try await read { database in
      guard let port else {
        return try Row.fetchOne(
          database, sql: "SELECT id, port FROM endpoints WHERE account = ? AND port_label = ?",
          arguments: [account.description, label]
        ).map(PortClaim.init(held:))
      }
      return try RelayStore.holder(of: port, by: account, in: database)
    }
  }

  /// Gives a free port to the account; one that it holds already stays. `evenResting`: also one
  /// that another account released a short time ago. Throws `portTaken`, `portResting`,
  /// `limitReached`, `noSuchAccount`.
  package func claimPort(
    _ port: Int, label: String, account: ID, evenResting: Bool = false
  ) async throws(StoreFault) -> PortClaim {
    let (id, time) = (newID(), now())
    return try await write { [self] database in
      try RelayStore.checkExists(account, in: database)
      if let held = try RelayStore.holder(of: port, by: account, in: database) { return held }
      if !evenResting, let days = try restDays(of: ":\(port)", for: account, in: database) {
        throw StoreFault.portResting(port, days: days)
      }
      try RelayStore.checkRoom(of: account, in: database)
      try database.execute(
        sql: "DELETE FROM released_names WHERE host = ?", arguments: [":\(port)"])
      // A label finds one port: the first that was given for it.
      try database.execute(
        sql: """
          INSERT INTO endpoints (id, host, path_prefix, account, created_ms, port, port_label)
          SELECT :id, '', ':' || :port, :account, :time, :port,
            CASE WHEN EXISTS (SELECT 1 FROM endpoints
              WHERE account = :account AND port_label = :label) THEN NULL ELSE :label END
          """,
        arguments: [
          "id": id.description, "port": port, "account": account.description,
          "time": Database.signed(time), "label": label,
        ])
      return PortClaim(endpoint: id, port: port, isNew: true)
    }
  }

  /// The ports that nobody holds: those that `account` may have, then those that rest for it, the
  /// longest rested first.
  package func freePorts(
    in range: ClosedRange<Int>, for account: ID
  ) async throws(StoreFault) -> [Int] {
    try await read { database in
      let held = try Set(
        Int.fetchAll(database, sql: "SELECT port FROM endpoints WHERE port IS NOT NULL"))
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT host FROM released_names WHERE host LIKE ':%' AND account <> ?
          ORDER BY released_ms
          """, arguments: [account.description])
      let resting = rows.compactMap { $0.optionalText("host").flatMap { Int($0.dropFirst()) } }
      let rests = Set(resting)
      return range.filter { !held.contains($0) && !rests.contains($0) }
        + resting.filter { range.contains($0) && !held.contains($0) }
    }
  }

  /// The ports of one account or of all, in order. Throws `noSuchAccount`.
  package func tcpPorts(account name: String? = nil) async throws(StoreFault) -> [TCPPortRecord] {
    try await read { database in
      if let name, try RelayStore.accountID(name, in: database) == nil {
        throw StoreFault.noSuchAccount(name)
      }
      return try RelayStore.tcpPorts(
        where: "accounts.name = :name OR :name IS NULL", ["name": name], in: database)
    }
  }

  package func tcpPorts(accountID: ID) async throws(StoreFault) -> [TCPPortRecord] {
    try await read { database in
      try RelayStore.tcpPorts(
        where: "accounts.id = :id", ["id": accountID.description], in: database)
    }
  }

  /// The port is given back, by the account or, with nil, by the operator; it rests for 30 days.
  /// Throws `noSuchDomain`, also where another account holds it.
  package func releasePort(_ port: Int, account: ID?) async throws(StoreFault) {
    let time = Database.signed(now())
    try await write { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT id, account FROM endpoints WHERE port = ?", arguments: [port])
      guard let row, try account == nil || row.id("account") == account else {
        throw StoreFault.noSuchDomain("TCP port \(port)")
      }
      try RelayStore.erase(try row.id("id"), at: time, in: database)
    }
  }

  private static func tcpPorts(
    where condition: String, _ arguments: StatementArguments, in database: Database
  ) throws -> [TCPPortRecord] {
    let sql = """
      SELECT endpoints.id, port, accounts.name, port_label, endpoints.created_ms
      FROM endpoints JOIN accounts ON accounts.id = endpoints.account
      WHERE port IS NOT NULL AND (\(condition)) ORDER BY accounts.name, port
      """
    return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
      TCPPortRecord(
        endpoint: try row.id("id"), port: Int(try row.number("port")),
        account: try row.text("name"), label: row.optionalText("port_label"),
        created: try row.number("created_ms"))
    }
  }

  private static func holder(
    of port: Int, by account: ID, in database: Database
  ) throws -> PortClaim? {
    let row = try Row.fetchOne(
      database, sql: "SELECT id, port, account FROM endpoints WHERE port = ?", arguments: [port])
    guard let row else { return nil }
    guard try row.id("account") == account else { throw StoreFault.portTaken(port) }
    return try PortClaim(held: row)
  }
}

extension PortClaim {
  fileprivate init(held row: Row) throws {
    self.init(endpoint: try row.id("id"), port: Int(try row.number("port")), isNew: false)
  }
}
