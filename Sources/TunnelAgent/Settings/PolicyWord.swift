import SettingsFile
import TunnelCore

/// The settings that are policies: each is a flag, and a key of an endpoint in `tunnel.yml`. A flag
/// takes the place of the whole key of its kind.
enum PolicyWord: String, CaseIterable, Sendable {
  case basicAuth = "--basic-auth"
  case cidrAllow = "--cidr-allow"
  case cidrDeny = "--cidr-deny"
  case rateLimit = "--rate-limit"
  case requestHeaderAdd = "--request-header-add"
  case requestHeaderRemove = "--request-header-remove"
  case responseHeaderAdd = "--response-header-add"
  case responseHeaderRemove = "--response-header-remove"
  case hostHeader = "--host-header"

  var flag: String { rawValue }

  /// The flag's name as YAML writes names.
  var key: String { String(rawValue.dropFirst(2)).replacing("-", with: "_") }

  /// Headers may be grouped, too: `request_headers: {add: …, remove: …}`.
  var grouped: (key: String, below: String)? {
    switch self {
    case .requestHeaderAdd: ("request_headers", "add")
    case .requestHeaderRemove: ("request_headers", "remove")
    case .responseHeaderAdd: ("response_headers", "add")
    case .responseHeaderRemove: ("response_headers", "remove")
    default: nil
    }
  }

  /// The keys of an endpoint.
  static let keys = allCases.map(\.key) + ["request_headers", "response_headers"]

  var mayRepeat: Bool { self != .rateLimit && self != .hostHeader }

  private var addsLines: Bool { self == .requestHeaderAdd || self == .responseHeaderAdd }
}

extension PolicyWord {
  /// What an endpoint of a file says: texts, or lists of them. Headers that are added may also be a
  /// mapping of names to values.
  static func read(_ node: SettingsNode) throws(UserError) -> [PolicyWord: [Sourced<String>]] {
    var found: [PolicyWord: [Sourced<String>]] = [:]
    for word in allCases {
      var texts = try texts(word.key, in: node, ofLines: word.addsLines)
      if let (key, below) = word.grouped, let group = try node.map(key) {
        try group.refuseUnknown(["add", "remove"])
        texts += try self.texts(below, in: group, ofLines: word.addsLines)
      }
      if !texts.isEmpty { found[word] = texts }
    }
    return found
  }

  private static func texts(
    _ key: String, in node: SettingsNode, ofLines: Bool
  ) throws(UserError) -> [Sourced<String>] {
    guard let found = try node.node(key) else { return [] }
    var texts: [Sourced<String>] = []
    func add(_ text: String, _ item: SettingsNode) {
      texts.append(Sourced(text, .file(item.file, line: item.line)))
    }
    switch found.value {
    case .map(let entries) where ofLines:
      for entry in entries { add("\(entry.key): \(try entry.value.asString())", entry.value) }
    case .list(let items):
      for item in items { add(try item.asString(), item) }
    default: add(try found.asString(), found)
    }
    return texts
  }
}
