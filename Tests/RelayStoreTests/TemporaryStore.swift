import Foundation
import Synchronization
import TunnelCore

@testable import RelayStore

/// A folder that is gone with this value, and a clock that stands still until it is told.
final class TemporaryStore: Sendable {
  let path: String
  let clock = Mutex<UInt64>(1_800_000_000_000)

  init() {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("relay-store-\(UUID().uuidString)").path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func open() throws -> RelayStore {
    try RelayStore(directory: path, now: { [self] in clock.withLock { $0 } })
  }

  func wait(days: UInt64) { wait(milliseconds: days * 86_400_000) }

  func wait(milliseconds: UInt64) {
    clock.withLock { $0 += milliseconds }
  }

  func mode(of file: String = "") throws -> Int {
    let facts = try FileManager.default.attributesOfItem(atPath: path + file)
    return facts[.posixPermissions] as? Int ?? -1
  }

  /// Everything that lies in the folder, as bytes.
  func bytes() throws -> Data {
    try FileManager.default.contentsOfDirectory(atPath: path).reduce(into: Data()) { all, file in
      all.append(try Data(contentsOf: URL(fileURLWithPath: path + "/" + file)))
    }
  }
}

let base = DomainName.known("tunnel.example.com")

extension DomainName {
  static func known(_ text: String) -> DomainName {
    do { return try DomainName(text) } catch { preconditionFailure("\(text): \(error)") }
  }
}
