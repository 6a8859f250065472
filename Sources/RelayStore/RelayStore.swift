import GRDB
import Glibc
import TunnelCore

/// The relay's truth on disk: accounts, authtokens, domains, epochs, in one SQLite database of one
/// data directory. Values go in and out; SQL stands nowhere else. Every write is one transaction
/// that is on disk when the call returns (WAL, `synchronous=FULL`), and several processes may hold
/// the directory open at once. Methods throw `StoreFault`.
package final class RelayStore: Sendable {
  let directory: DataDirectory
  let now: @Sendable () -> UInt64
  private let pool: DatabasePool
  /// Sees through `PRAGMA data_version` what every other connection commits, ours and those of
  /// other processes; it never writes.
  private let watcher: DatabaseQueue

  /// Opens the directory, making it and its tables if need be. `now` reads Unix milliseconds.
  package init(
    directory path: String,
    now: @escaping @Sendable () -> UInt64 = RelayStore.unixMilliseconds
  ) throws(StoreFault) {
    let directory = DataDirectory(path: RelayStore.withoutFinalSlashes(path))
    try directory.prepare()
    self.directory = directory
    self.now = now
    // Two that come first at once would meet in the change to WAL, which no busy timeout covers.
    (pool, watcher) = try directory.alone { () throws(StoreFault) in
      do {
        return try RelayStore.connect(to: directory.database)
      } catch {
        throw RelayStore.fault(error, at: directory)
      }
    }
  }

  private static func connect(to file: String) throws -> (DatabasePool, DatabaseQueue) {
    var configuration = Configuration()
    configuration.busyMode = .timeout(5)
    configuration.foreignKeysEnabled = true
    configuration.label = "relay.db"
    // GRDB's five each keep two descriptors and a page cache; what is read here takes microseconds.
    configuration.maximumReaderCount = 2
    let pool = try DatabasePool(path: file, configuration: configuration)
    // GRDB sets NORMAL while it opens: then an acknowledged commit can be lost with the power.
    try pool.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA synchronous = FULL")
    }
    let migrator = Schema.migrator
    guard try !pool.read(migrator.hasBeenSuperseded) else {
      throw StoreFault.unusable(
        "\(file) was made by a newer relay", fix: "install the version that made it, or a newer one"
      )
    }
    try migrator.migrate(pool)
    // Not read-only: the last connection to close folds the WAL back into the database.
    return (pool, try DatabaseQueue(path: file, configuration: configuration))
  }

  /// A number that is another one after any commit, of this process or another.
  package func dataVersion() async throws(StoreFault) -> Int64 {
    do {
      return try await watcher.writeWithoutTransaction { database in
        try Int64.fetchOne(database, sql: "PRAGMA data_version") ?? 0
      }
    } catch {
      throw RelayStore.fault(error, at: directory)
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreFault) -> Value {
    do {
      return try await pool.read(body)
    } catch {
      throw RelayStore.fault(error, at: directory)
    }
  }

  /// One transaction: it is on disk once this returns, or it never happened.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreFault) -> Value {
    do {
      return try await pool.write(body)
    } catch {
      throw RelayStore.fault(error, at: directory)
    }
  }

  /// The writer's `PRAGMA synchronous`: 2 is FULL.
  func synchronous() async throws(StoreFault) -> Int {
    do {
      return try await pool.writeWithoutTransaction { database in
        try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
      }
    } catch {
      throw RelayStore.fault(error, at: directory)
    }
  }

  func newID() -> ID {
    var generator = SystemRandomNumberGenerator()
    return ID(unixMilliseconds: now(), using: &generator)
  }

  package static func unixMilliseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
  }

  private static func fault(_ error: any Error, at directory: DataDirectory) -> StoreFault {
    switch error {
    case let fault as StoreFault: return fault
    case let error as DatabaseError:
      let fix: String? =
        switch error.resultCode {
        case .SQLITE_FULL: "make room on the disk of \(directory.path)"
        case .SQLITE_BUSY, .SQLITE_LOCKED: "another process writes for too long; try again"
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
          "check the permissions of \(directory.path) and of the files in it"
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: "restore the last backup of the directory"
        default: nil
        }
      let message = error.message ?? error.resultCode.description
      return .unusable("\(directory.database): \(message)", fix: fix)
    default:
      return .unusable("\(directory.database): \(error)", fix: nil)
    }
  }

  private static func withoutFinalSlashes(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
