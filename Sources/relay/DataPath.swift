import Glibc
import RelayStore
import TunnelCore

/// Which data directory is meant where `--data` is not given.
enum DataPath {
  static let system = "/var/lib/relay"

  /// A first run keeps its data with the user's own; a relay with a domain where services do.
  static func forServe(_ given: String?, isFirstRun: Bool) -> String {
    given ?? (isFirstRun ? ofUser : system)
  }

  /// The system's directory if there is one, else the user's. It counts while it is empty too: an
  /// account that is added before the service's first start belongs to the service.
  static func forCommands(_ given: String?) -> String {
    given ?? (access(system, F_OK) == 0 ? system : ofUser)
  }

  /// Opens the store of a directory that a relay or `account add` has made: a mistyped `--data`
  /// must not end in an empty directory that looks like lost accounts.
  static func openExisting(_ given: String?) throws -> RelayStore {
    let path = forCommands(given)
    guard holdsData(path) else {
      throw UserError(
        code: "data-unusable", message: "\(path) holds no relay's data",
        fix: "give the relay's directory with `--data DIR`, or start with `relay account add NAME`")
    }
    return try RelayStore(directory: path)
  }

  /// What a running relay has written of where it listens, and with TLS by which certificates it
  /// is known; nil if none has.
  static func address(_ given: String?) -> (url: String, fingerprints: [String])? {
    guard let file = fopen(forCommands(given) + "/relay.url", "r") else { return nil }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 512)
    let count = fread(&line, 1, line.count, file)
    let words = line.prefix(count).split { $0 <= 0x20 }.map { String(decoding: $0, as: UTF8.self) }
    guard let url = words.first else { return nil }
    let fingerprints = zip(words.dropFirst(), words.dropFirst(2)).filter { $0.0 == "sha256" }
    return (url, fingerprints.map(\.1))
  }

  private static var ofUser: String {
    if let home = environment("XDG_DATA_HOME"), home.hasPrefix("/") {
      return home + "/tunnel-relay"
    }
    return (environment("HOME") ?? "") + "/.local/share/tunnel-relay"
  }

  /// Also where we may not look: then the store says whose the directory is.
  private static func holdsData(_ path: String) -> Bool {
    access(path + "/relay.db", F_OK) == 0 || errno == EACCES
  }

  /// A variable that is set and not empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}
