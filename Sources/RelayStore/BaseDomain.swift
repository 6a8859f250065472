import GRDB
import TunnelCore

/// The relay's own name as the database knows it.
package struct BaseDomain: Sendable, Equatable {
  package let name: DomainName
  /// A `relay serve` has run under it. Before, it is what a command assumed.
  package let isSettled: Bool
}

extension RelayStore {
  package func base() async throws(StoreFault) -> BaseDomain? {
    try await read(RelayStore.base(in:))
  }

  /// A command needs a base before any `serve` has run: it is noted, and a `serve` under another
  /// name renames what was made below it. A settled base stays. Answers the one that holds.
  package func assumeBase(_ name: DomainName) async throws(StoreFault) -> BaseDomain {
    try await write { database in
      if let base = try RelayStore.base(in: database) {
        guard !base.isSettled, base.name != name else { return base }
        try RelayStore.rename(from: base.name, to: name, in: database)
      }
      try RelayStore.set("base", name.text, in: database)
      return BaseDomain(name: name, isSettled: false)
    }
  }

  /// `serve` runs under this name from now on. Subdomains of a name that was only assumed move
  /// below it; those of an earlier settled one stay what they are.
  package func settleBase(_ name: DomainName) async throws(StoreFault) {
    try await write { database in
      let base = try RelayStore.base(in: database)
      guard base != BaseDomain(name: name, isSettled: true) else { return }
      if let base, !base.isSettled, base.name != name {
        try RelayStore.rename(from: base.name, to: name, in: database)
      }
      try RelayStore.set("base", name.text, in: database)
      try RelayStore.set("base_settled", "1", in: database)
    }
  }

  static func base(in database: Database) throws -> BaseDomain? {
    let rows = try Row.fetchAll(database, sql: "SELECT key, value FROM meta")
    var values: [String: String] = [:]
    for row in rows { values[try row.text("key")] = try row.text("value") }
    guard let text = values["base"], let name = try? DomainName(text) else { return nil }
    return BaseDomain(name: name, isSettled: values["base_settled"] == "1")
  }

  private static func set(_ key: String, _ value: String, in database: Database) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", arguments: [key, value])
  }

  private static func rename(
    from old: DomainName, to new: DomainName, in database: Database
  ) throws {
    for table in ["endpoints", "released_names"] {
      // A TCP port has no host that could change.
      let hosts = try Row.fetchAll(
        database, sql: "SELECT host FROM \(table) WHERE host <> '' AND host NOT LIKE ':%'")
      for row in hosts {
        let host = try row.domain("host")
        guard let label = host.label(under: old) else { continue }
        try database.execute(
          sql: "UPDATE OR IGNORE \(table) SET host = ? WHERE host = ?",
          arguments: ["\(label).\(new)", host.text])
      }
    }
  }
}
