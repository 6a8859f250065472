import Glibc
import TunnelCore

/// A settings file in YAML 1.1, at most 1 MiB, as a tree of `SettingsNode`s.
///
/// Anchors and aliases work, one document only, a key stands once. Throws `UserError` with exit
/// 78: `config-syntax` (`FILE:LINE: …`) for what is no YAML, `config-file` for what cannot be read.
package enum SettingsFile {
  package static let largest = 1 << 20

  /// Reads `path`; nil if there is no such file.
  package static func read(_ path: String) throws(UserError) -> SettingsNode? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw unreadable(path, errno)
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, errno) }
      if count == 0 { break }
      bytes += piece[..<count]
      guard bytes.count <= largest else {
        throw fileFault(path, "is larger than 1 MiB")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw UserError(
        code: "config-syntax", message: "\(path):\(badLine(bytes)): not valid UTF-8", fix: nil,
        exit: .configuration)
    }
    return try parse(text, path: path)
  }

  private static func unreadable(_ path: String, _ number: Int32) -> UserError {
    fileFault(path, "cannot be read: \(String(cString: strerror(number)))")
  }

  private static func fileFault(_ path: String, _ message: String) -> UserError {
    UserError(
      code: "config-file", message: "\(path) \(message)", fix: nil, exit: .configuration)
  }

  /// The line of the first byte that is no UTF-8.
  private static func badLine(_ bytes: [UInt8]) -> Int {
    for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated()
    where String(validating: line, as: UTF8.self) == nil {
      return index + 1
    }
    return 1
  }
}
