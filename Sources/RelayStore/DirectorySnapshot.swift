import GRDB
import TunnelCore

/// Whose every host is, as one immutable value: routing reads it, and no request waits for SQL. It
/// is as old as its revision; logins and claims ask the database itself.
package struct DirectorySnapshot: Sendable, Equatable {
  /// Where a host leads.
  package struct Entry: Sendable, Equatable {
    package let endpoint: ID
    package let account: ID
    /// The epoch in which it is served; nil where nobody serves it. What a relay that ended has
    /// left here are the endpoints it served to its end.
    package let servedIn: Epoch?
    /// What was declared last, a line for each rule; it holds while nobody serves, too.
    package let policies: [String]

    package init(
      endpoint: ID, account: ID, servedIn: Epoch? = nil, policies: [String] = []
    ) {
      self.endpoint = endpoint
      self.account = account
      self.servedIn = servedIn
      self.policies = policies
    }
  }

  /// `dataVersion()` before it was read: once that says another number, this is out of date.
  package let revision: Int64
  package let hosts: [DomainName: Entry]
  /// The TCP ports that are held.
  package let ports: [Int: Entry]
  package let disabledAccounts: Set<ID>
  /// Every token that is not revoked; a session whose token is missing has to end.
  package let liveTokens: Set<ID>
}

extension RelayStore {
  package func directory() async throws(StoreFault) -> DirectorySnapshot {
    let revision = try await dataVersion()
    return try await read { database in
      var hosts: [DomainName: DirectorySnapshot.Entry] = [:]
      var ports: [Int: DirectorySnapshot.Entry] = [:]
      let endpoints = try Row.fetchCursor(
        database,
        sql: """
          SELECT id, host, port, account, epoch, served, policies FROM endpoints
          WHERE path_prefix = '' OR port IS NOT NULL
          """)
      while let row = try endpoints.next() {
        let entry = DirectorySnapshot.Entry(
          endpoint: try row.id("id"), account: try row.id("account"),
          servedIn: try row.number("served") == 1 ? Epoch(try row.number("epoch")) : nil,
          policies: row.lines("policies"))
        if let port = row.optionalNumber("port") {
          ports[Int(port)] = entry
        } else {
          hosts[try row.domain("host")] = entry
        }
      }
      let disabled = try Row.fetchAll(
        database, sql: "SELECT id FROM accounts WHERE disabled_ms IS NOT NULL")
      let tokens = try Row.fetchAll(
        database, sql: "SELECT id FROM tokens WHERE revoked_ms IS NULL")
      return DirectorySnapshot(
        revision: revision, hosts: hosts, ports: ports,
        disabledAccounts: Set(try disabled.map { try $0.id("id") }),
        liveTokens: Set(try tokens.map { try $0.id("id") }))
    }
  }
}
