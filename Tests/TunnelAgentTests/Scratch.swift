import Glibc
import Testing

@testable import TunnelAgent

/// A folder of its own for one test, gone with it.
final class Scratch {
  let path: String

  init() throws {
    path = try temporaryFolder()
  }

  deinit {
    Scratch.remove(path)
  }

  @discardableResult
  func put(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
    let file = "\(path)/\(name)"
    try SmallFile.write(text, to: file)
    try #require(chmod(file, mode) == 0)
    return file
  }

  func text(_ name: String) throws -> String {
    try SmallFile.read("\(path)/\(name)").text
  }

  private static func remove(_ path: String) {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { remove("\(path)/\(name)") }
      }
      closedir(folder)
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
