import TunnelCore

/// One value of a settings file with the place where it stands.
///
/// A reader asks for the keys it knows and names them once in `refuseUnknown`; whatever is wrong
/// becomes one `UserError` with exit 78 that begins with `FILE:LINE:`. Codes: `config-key` for an
/// unknown key, `config-value` for a value of the wrong kind.
package struct SettingsNode: Sendable {
  package indirect enum Value: Sendable {
    /// `quoted` tells `"true"` from `true`.
    case text(String, quoted: Bool)
    case list([SettingsNode])
    case map([Entry])
    case empty
  }

  package struct Entry: Sendable {
    package let key: String
    package let keyLine: Int
    package let value: SettingsNode
  }

  package let file: String
  /// Counted from 1.
  package let line: Int
  /// Where the value begins, in Unicode scalars, counted from 1.
  package let column: Int
  /// The way from the root, `endpoints[0].url`; empty for the root itself.
  package let path: String
  package let value: Value

  /// This value's fault, in the reader's own words: `FILE:LINE: MESSAGE`.
  package func fault(_ message: String, fix: String? = nil) -> UserError {
    UserError(
      code: "config-value", message: "\(file):\(line): \(message)", fix: fix, exit: .configuration)
  }

  /// Refuses the first key that is not in `known`, and names the nearest, else all of them.
  package func refuseUnknown(_ known: [String]) throws(UserError) {
    guard let stranger = try entries().first(where: { !known.contains($0.key) }) else { return }
    let expected = Nearest.match(stranger.key, in: known) ?? SettingsNode.oneOf(known)
    let shown = stranger.key.isEmpty ? "(empty)" : stranger.key
    throw UserError(
      code: "config-key",
      message: "\(file):\(stranger.keyLine): unknown key `\(shown)`, expected \(expected)",
      fix: nil, exit: .configuration)
  }

  /// The value of a key; nil where it is absent or says nothing (`key:`, `~`, `null`).
  package func node(_ key: String) throws(UserError) -> SettingsNode? {
    guard let found = try entries().first(where: { $0.key == key })?.value else { return nil }
    if case .empty = found.value { return nil }
    return found
  }

  /// The pairs of a mapping, in the file's order. A file or key without a value has none.
  package func entries() throws(UserError) -> [Entry] {
    switch value {
    case .map(let entries): return entries
    case .empty: return []
    default: throw wrongKind("a mapping of keys")
    }
  }

  func wrongKind(_ wanted: String) -> UserError {
    fault("\(path.isEmpty ? "the file" : "`\(path)`") must be \(wanted), not \(kind)")
  }

  private var kind: String {
    switch value {
    case .text(let text, _): text.count > 40 ? "a text" : "`\(text)`"
    case .list: "a list"
    case .map: "a mapping"
    case .empty: "empty"
    }
  }

  private static func oneOf(_ words: [String]) -> String {
    words.count > 1 ? "one of \(words.joined(separator: ", "))" : words.joined()
  }
}
