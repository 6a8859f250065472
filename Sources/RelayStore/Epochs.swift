import GRDB
import TunnelCore

/// Who served an endpoint last, and what was declared of it, as it stands on disk.
package struct EndpointOwner: Sendable, Equatable {
  package let epoch: Epoch
  /// Nil after the owner said stop, and before anybody served.
  package let install: ID?
  package let instance: ID?
  package let policies: [String]

  package init(
    epoch: Epoch, install: ID? = nil, instance: ID? = nil, policies: [String] = []
  ) {
    self.epoch = epoch
    self.install = install
    self.instance = instance
    self.policies = policies
  }
}

extension RelayStore {
  /// Throws `noSuchDomain` for an endpoint that is gone.
  package func owner(of endpoint: ID) async throws(StoreFault) -> EndpointOwner {
    try await read { database in
      let row = try Row.fetchOne(
        database,
        sql: "SELECT epoch, owner_install, owner_instance, policies FROM endpoints WHERE id = ?",
        arguments: [endpoint.description])
      guard let row else { throw StoreFault.noSuchDomain(endpoint.description) }
      return try EndpointOwner(row)
    }
  }

  /// Writes a new owner down, and what it declares, before anybody is told. Throws `staleEpoch`
  /// unless the epoch is above the one on disk, `noSuchDomain` for an endpoint that is gone.
  package func raiseEpoch(
    of endpoint: ID, to epoch: Epoch, install: ID, instance: ID, policies: [String] = []
  ) async throws(StoreFault) {
    try await write { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT epoch FROM endpoints WHERE id = ?",
        arguments: [endpoint.description])
      guard let row else { throw StoreFault.noSuchDomain(endpoint.description) }
      let known = Epoch(try row.number("epoch"))
      guard known < epoch else { throw StoreFault.staleEpoch(known) }
      try database.execute(
        sql: """
          UPDATE endpoints SET epoch = ?, owner_install = ?, owner_instance = ?, served = 1,
            policies = ?
          WHERE id = ?
          """,
        arguments: [
          Database.signed(epoch.number), install.description, instance.description,
          RelayStore.text(policies), endpoint.description,
        ])
    }
  }

  /// The owner of this epoch declares something else; a later one's word is not touched.
  package func keepPolicies(
    _ policies: [String], of endpoint: ID, epoch: Epoch
  ) async throws(StoreFault) {
    try await write { database in
      try database.execute(
        sql: "UPDATE endpoints SET policies = ? WHERE id = ? AND epoch = ?",
        arguments: [
          RelayStore.text(policies), endpoint.description, Database.signed(epoch.number),
        ])
    }
  }

  /// No policy holds a line break.
  private static func text(_ policies: [String]) -> String? {
    policies.isEmpty ? nil : policies.joined(separator: "\n")
  }

  /// The owner of this epoch left; a later one's place is not touched.
  package func ownerLeft(_ endpoint: ID, epoch: Epoch) async throws(StoreFault) {
    try await write { database in
      try database.execute(
        sql: """
          UPDATE endpoints SET owner_install = NULL, owner_instance = NULL, served = 0
          WHERE id = ? AND epoch = ?
          """, arguments: [endpoint.description, Database.signed(epoch.number)])
    }
  }

  /// The owners of these epochs are gone without a word. They keep their places, but a relay that
  /// starts does not await them; a later owner's endpoint is not touched. One transaction for all:
  /// whoever logs in next must not wait for a crowd that is gone.
  package func ownersLost(_ lost: [(endpoint: ID, epoch: Epoch)]) async throws(StoreFault) {
    try await write { database in
      for (endpoint, epoch) in lost {
        try database.execute(
          sql: "UPDATE endpoints SET served = 0 WHERE id = ? AND epoch = ?",
          arguments: [endpoint.description, Database.signed(epoch.number)])
      }
    }
  }

  /// A name that a CI token claimed is nobody's any more, if this is still its last epoch.
  package func freeTemporary(_ endpoint: ID, epoch: Epoch) async throws(StoreFault) {
    try await write { database in
      try database.execute(
        sql: "DELETE FROM endpoints WHERE id = ? AND is_temporary = 1 AND epoch = ?",
        arguments: [endpoint.description, Database.signed(epoch.number)])
    }
  }

  /// The names that CI tokens claimed, as the relay that ran before left them.
  package func temporaryEndpoints() async throws(StoreFault) -> [TemporaryEndpoint] {
    try await read { database in
      let sql = """
        SELECT id, host, account, epoch, owner_install, owner_instance, policies FROM endpoints
        WHERE is_temporary = 1 AND path_prefix = ''
        """
      return try Row.fetchAll(database, sql: sql).map { row in
        TemporaryEndpoint(
          endpoint: try row.id("id"), host: try row.domain("host"), account: try row.id("account"),
          lastOwner: try EndpointOwner(row))
      }
    }
  }
}

/// A name for one run of an agent.
package struct TemporaryEndpoint: Sendable, Equatable {
  package let endpoint: ID
  package let host: DomainName
  package let account: ID
  package let lastOwner: EndpointOwner
}

extension EndpointOwner {
  fileprivate init(_ row: Row) throws {
    self.init(
      epoch: Epoch(try row.number("epoch")), install: row.optionalID("owner_install"),
      instance: row.optionalID("owner_instance"), policies: row.lines("policies"))
  }
}
