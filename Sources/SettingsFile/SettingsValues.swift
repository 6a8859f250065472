import TunnelCore

/// The kinds of values. Each takes a key and gives nil where the file is silent; each throws
/// `config-value` where the file says something else than that kind.
extension SettingsNode {
  package func string(_ key: String) throws(UserError) -> String? {
    try node(key)?.asString()
  }

  /// A whole number within `range`; quotes around it do not matter.
  package func int(
    _ key: String, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws(UserError) -> Int? {
    try node(key)?.asInt(in: range)
  }

  package func bool(_ key: String) throws(UserError) -> Bool? {
    try node(key)?.asBool()
  }

  /// The items of a list; empty where the file is silent.
  package func list(_ key: String) throws(UserError) -> [SettingsNode] {
    guard let found = try node(key) else { return [] }
    guard case .list(let items) = found.value else { throw found.wrongKind("a list") }
    return items
  }

  package func map(_ key: String) throws(UserError) -> SettingsNode? {
    guard let found = try node(key) else { return nil }
    guard case .map = found.value else { throw found.wrongKind("a mapping of keys") }
    return found
  }

  /// Texts of a list, where one text alone stands for a list of one.
  package func strings(_ key: String) throws(UserError) -> [String] {
    guard let found = try node(key) else { return [] }
    guard case .list(let items) = found.value else { return [try found.asString()] }
    var texts: [String] = []
    for item in items { texts.append(try item.asString()) }
    return texts
  }

  package func asString() throws(UserError) -> String {
    guard case .text(let text, _) = value else { throw wrongKind("a text") }
    return text
  }

  package func asInt(in range: ClosedRange<Int> = Int.min...Int.max) throws(UserError) -> Int {
    guard case .text(let text, _) = value, let number = Int(text) else {
      throw wrongKind("a whole number")
    }
    guard range.contains(number) else { throw wrongKind(SettingsNode.words(range)) }
    return number
  }

  package func asBool() throws(UserError) -> Bool {
    switch value {
    case .text("true", quoted: false): return true
    case .text("false", quoted: false): return false
    default: throw wrongKind("true or false")
    }
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    range.upperBound == Int.max
      ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
  }
}
