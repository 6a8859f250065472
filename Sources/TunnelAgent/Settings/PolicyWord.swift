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

  /// Where the endpoint's file has it: a key, and the key below it.
  var key: (String, below: String?) {
    switch self {
    case .basicAuth: ("basic_auth", nil)
    case .cidrAllow: ("cidr_allow", nil)
    case .cidrDeny: ("cidr_deny", nil)
    case .rateLimit: ("rate_limit", nil)
    case .requestHeaderAdd: ("request_headers", "add")
    case .requestHeaderRemove: ("request_headers", "remove")
    case .responseHeaderAdd: ("response_headers", "add")
    case .responseHeaderRemove: ("response_headers", "remove")
    case .hostHeader: ("host_header", nil)
    }
  }

  /// The keys of an endpoint, each once.
  static let keys = [
    "basic_auth", "cidr_allow", "cidr_deny", "rate_limit", "request_headers", "response_headers",
    "host_header",
  ]

  var mayRepeat: Bool { self != .rateLimit && self != .hostHeader }
}

extension PolicyWord {
  /// What an endpoint of a file says: texts, or lists of them. Headers that are added may also be a
  /// mapping of names to values.
  static func read(_ node: SettingsNode) throws(UserError) -> [PolicyWord: [Sourced<String>]] {
    var found: [PolicyWord: [Sourced<String>]] = [:]
    for word in allCases {
      var place = node
      if word.key.below != nil {
        guard let headers = try node.map(word.key.0) else { continue }
        try headers.refuseUnknown(["add", "remove"])
        place = headers
      }
      let texts = try texts(word.key.below ?? word.key.0, in: place)
      if !texts.isEmpty { found[word] = texts }
    }
    return found
  }

  private static func texts(
    _ key: String, in node: SettingsNode
  ) throws(UserError) -> [Sourced<String>] {
    guard let found = try node.node(key) else { return [] }
    var texts: [Sourced<String>] = []
    func add(_ text: String, _ item: SettingsNode) {
      texts.append(Sourced(text, .file(item.file, line: item.line)))
    }
    switch found.value {
    case .map(let entries) where key == "add":
      for entry in entries { add("\(entry.key): \(try entry.value.asString())", entry.value) }
    case .list(let items):
      for item in items { add(try item.asString(), item) }
    default: add(try found.asString(), found)
    }
    return texts
  }
}
