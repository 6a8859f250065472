/// What is changed in a head, besides what the relay always changes: fields that go, whatever their
/// case, and lines that are added. What is removed goes first, so both with one name set it.
package struct FieldEdits: Sendable, Equatable {
  /// A field line that is added: a token (RFC 9110, section 5.6.2) and a value without controls.
  package struct Line: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    package let value: String

    /// Reads `Name: value`.
    package init(_ text: String) throws(PolicyFault) {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw PolicyFault("`\(VisibleText.of(text))` is no header", fix: "write `Name: value`")
      }
      try self.init(name: String(parts[0]), value: String(parts[1]))
    }

    package init(name: String, value: String) throws(PolicyFault) {
      self.name = try FieldEdits.name(name)
      let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
      let bytes = value.utf8.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
      guard bytes.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else {
        throw PolicyFault("the value of \(name) holds a control character, such as a line break")
      }
      self.value = String(decoding: Array(bytes), as: UTF8.self)
    }

    package var description: String { "\(name): \(value)" }
  }

  package var removed: [String] = []
  package var added: [Line] = []

  package init() {}

  package var isEmpty: Bool { removed.isEmpty && added.isEmpty }

  /// A field's name that a user may add or remove. The ones that frame a message, belong to one
  /// connection or are the relay's own are refused, also with `_` for `-`: apps read both as one.
  package static func name(_ text: String) throws(PolicyFault) -> String {
    guard !text.isEmpty, text.utf8.count <= 256, text.utf8.allSatisfy(isToken) else {
      throw PolicyFault(
        "`\(VisibleText.of(text))` is no header's name", fix: "letters, digits and hyphens")
    }
    let folded = text.lowercased().replacing("_", with: "-")
    switch folded {
    case "host":
      throw PolicyFault("Host is not added or removed", fix: "--host-header changes it")
    case "content-length", "transfer-encoding", "trailer", "expect":
      throw PolicyFault("\(text) says how the message travels; that cannot be changed")
    case "connection", "keep-alive", "te", "upgrade", "proxy-connection", "proxy-authenticate",
      "proxy-authorization":
      throw PolicyFault("\(text) is about one connection, and none of it goes through a tunnel")
    case _ where folded.hasPrefix("x-forwarded-") || folded.hasPrefix("tunnel-"):
      throw PolicyFault("\(text) is the relay's own word; apps must be able to believe it")
    default: return text
    }
  }

  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

/// A Host field's value: a name or an address, and a port if there is one.
package struct HostValue: Sendable, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ text: String) throws(PolicyFault) {
    guard HostTarget(host: Array(text.utf8).span) != nil, !text.hasSuffix(":") else {
      throw PolicyFault(
        "`\(VisibleText.of(text))` is no value for Host", fix: "NAME, NAME:PORT or [IPV6]:PORT")
    }
    description = text
  }
}
