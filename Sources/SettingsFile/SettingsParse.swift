import TunnelCore
import Yams

extension SettingsFile {
  /// Parses a file's text; `path` is only for messages. An empty text is an empty mapping.
  package static func parse(_ text: String, path: String) throws(UserError) -> SettingsNode {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw fault(error, in: path)
    } catch {
      throw syntax(path, 1, "\(error)")
    }
    guard let root else {
      return SettingsNode(file: path, line: 1, column: 1, path: "", value: .empty)
    }
    var tree = Tree(file: path)
    return try tree.node(root, path: "", line: 1)
  }

  private static func fault(_ error: YamlError, in path: String) -> UserError {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let before = context.map { "\($0.text.trimmed) (line \($0.mark.line)): " } ?? ""
      return syntax(path, mark.line, before + problem.trimmed)
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      return syntax(path, context.mark.line, "the key `\(key)` is here and once more below")
    case .reader(let problem, let offset, _, let yaml):
      let line = yaml.prefix(offset ?? 0).utf8.count { $0 == 10 } + 1
      return syntax(path, line, problem.trimmed)
    default:
      return syntax(path, 1, "no YAML")
    }
  }

  private static func syntax(_ path: String, _ line: Int, _ problem: String) -> UserError {
    UserError(
      code: "config-syntax", message: "\(path):\(line): \(problem)", fix: nil,
      exit: .configuration)
  }
}

/// Turns the library's nodes into ours, counting them: aliases can make a small text a huge tree.
private struct Tree {
  static let mostNodes = 100_000

  let file: String
  var count = 0

  init(file: String) {
    self.file = file
  }

  mutating func node(_ node: Node, path: String, line: Int) throws(UserError) -> SettingsNode {
    let line = node.mark?.line ?? line
    count += 1
    guard count <= Tree.mostNodes else {
      throw SettingsNode(file: file, line: line, column: 1, path: path, value: .empty)
        .fault("more than \(Tree.mostNodes) values")
    }
    let value: SettingsNode.Value
    switch node {
    case .scalar(let scalar): value = text(scalar)
    case .sequence(let sequence): value = .list(try items(sequence, path: path, line: line))
    case .mapping(let mapping): value = .map(try entries(mapping, path: path, line: line))
    case .alias: value = .empty  // made by emitters only: the parser puts the anchor's node here
    }
    let column = node.mark?.column ?? 1
    return SettingsNode(file: file, line: line, column: column, path: path, value: value)
  }

  private func text(_ scalar: Node.Scalar) -> SettingsNode.Value {
    let plain = scalar.style == .plain || scalar.style == .any
    if plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .empty }
    return .text(scalar.string, quoted: !plain)
  }

  private mutating func items(
    _ sequence: Node.Sequence, path: String, line: Int
  ) throws(UserError) -> [SettingsNode] {
    var items: [SettingsNode] = []
    for (index, item) in sequence.enumerated() {
      items.append(try node(item, path: "\(path)[\(index)]", line: line))
    }
    return items
  }

  private mutating func entries(
    _ mapping: Node.Mapping, path: String, line: Int
  ) throws(UserError) -> [SettingsNode.Entry] {
    var entries: [SettingsNode.Entry] = []
    for (key, value) in mapping {
      let keyLine = key.mark?.line ?? line
      guard case .scalar(let name) = key else {
        throw SettingsNode(file: file, line: keyLine, column: 1, path: path, value: .empty)
          .fault("a key must be a text")
      }
      let below = path.isEmpty ? name.string : "\(path).\(name.string)"
      let child = try node(value, path: below, line: keyLine)
      entries.append(.init(key: name.string, keyLine: keyLine, value: child))
    }
    return entries
  }
}

extension String {
  fileprivate var trimmed: String {
    String(trimmingPrefix(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
