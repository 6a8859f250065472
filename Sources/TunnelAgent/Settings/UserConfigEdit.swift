import SettingsFile
import TunnelCore

/// Sets one key below `agent:` in a YAML text by changing one line, or adding one or two.
///
/// The result is parsed again and must say the same as before but for that key; a text too clever
/// for this (a value over several lines, an alias) is left alone: `config-file`.
enum UserConfigEdit {
  static func set(
    _ key: String, _ value: String, in text: String, path: String
  ) throws(UserError) -> String {
    let before = try SettingsFile.parse(text, path: path)
    var lines = Lines(text)
    try change(&lines, before, key, quoted(value))
    let edited = lines.text
    let wanted = facts(before).filter { $0.key != "agent.\(key)" }
    if let after = try? SettingsFile.parse(edited, path: path) {
      var got = facts(after)
      if got.removeValue(forKey: "agent.\(key)") == value, got == wanted { return edited }
    }
    throw UserError(
      code: "config-file", message: "\(path) is written in a way this command cannot edit",
      fix: "set `\(key)` below `agent:` by hand", exit: .configuration)
  }

  private static func change(
    _ lines: inout Lines, _ root: SettingsNode, _ key: String, _ value: String
  ) throws(UserError) {
    guard let agent = try root.entries().first(where: { $0.key == "agent" }) else {
      lines.append("agent:")
      lines.append("  \(key): \(value)")
      return
    }
    guard case .map(let entries) = agent.value.value else {
      lines.insert("  \(key): \(value)", at: agent.keyLine + 1)
      return
    }
    let place = agent.value
    if let old = entries.first(where: { $0.key == key })?.value {
      lines.replace(old, with: value)
    } else if lines.scalar(place.line, place.column) == "{" {
      let comma = entries.isEmpty ? "" : ", "
      lines.insert("\(key): \(value)\(comma)", at: place.line, column: place.column + 1)
    } else {
      let indent = String(repeating: " ", count: place.column - 1)
      lines.insert("\(indent)\(key): \(value)", at: place.line)
    }
  }

  /// As it is where YAML reads it as a text anywhere, else in double quotes.
  private static func quoted(_ value: String) -> String {
    let plain = value.unicodeScalars.allSatisfy {
      switch $0 {
      case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "/", ":", "-": true
      default: false
      }
    }
    return plain ? value : JSONText.string(value).line
  }

  /// Everything a file says, by its path.
  private static func facts(_ node: SettingsNode) -> [String: String] {
    switch node.value {
    case .text(let text, _): return [node.path: text]
    case .empty: return [:]
    case .list(let items):
      return items.reduce(into: [:]) { $0.merge(facts($1)) { first, _ in first } }
    case .map(let entries):
      return entries.reduce(into: [:]) { $0.merge(facts($1.value)) { first, _ in first } }
    }
  }
}

/// A text as lines of Unicode scalars, which is how YAML marks count; lines and columns from 1.
private struct Lines {
  private var lines: [[Unicode.Scalar]]

  init(_ text: String) {
    lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map(Array.init)
  }

  var text: String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: lines.joined(separator: ["\n"]))
    return String(text)
  }

  func scalar(_ line: Int, _ column: Int) -> Unicode.Scalar? {
    guard lines.indices.contains(line - 1), lines[line - 1].indices.contains(column - 1) else {
      return nil
    }
    return lines[line - 1][column - 1]
  }

  /// Adds a line at the end, which then ends with a line feed.
  mutating func append(_ line: String) {
    if lines.last?.isEmpty != true { lines.append([]) }
    insert(line, at: lines.count)
  }

  mutating func insert(_ line: String, at number: Int) {
    lines.insert(Array(line.unicodeScalars), at: min(number - 1, lines.count))
  }

  mutating func insert(_ text: String, at line: Int, column: Int) {
    guard lines.indices.contains(line - 1), column - 1 <= lines[line - 1].count else { return }
    lines[line - 1].insert(contentsOf: text.unicodeScalars, at: column - 1)
  }

  /// Puts `text` in place of a value that begins and ends on one line; else changes nothing.
  mutating func replace(_ node: SettingsNode, with text: String) {
    guard lines.indices.contains(node.line - 1) else { return }
    let line = lines[node.line - 1]
    let start = min(node.column - 1, line.count)
    var end = start
    switch node.value {
    case .text(let old, quoted: false):
      guard line[start...].starts(with: old.unicodeScalars) else { return }
      end = start + old.unicodeScalars.count
    case .text(_, quoted: true):
      guard let quote = line[start...].first,
        let last = line[start...].dropFirst().firstIndex(of: quote)
      else { return }
      end = last + 1
    case .empty:
      let word = ["~", "null", "Null", "NULL"].first {
        line[start...].starts(with: $0.unicodeScalars)
      }
      end += word?.unicodeScalars.count ?? 0
    case .list, .map: return
    }
    let blank = start > 0 && line[start - 1] != " " ? " " : ""
    lines[node.line - 1].replaceSubrange(start..<end, with: (blank + text).unicodeScalars)
  }
}
