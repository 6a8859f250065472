/// A user name and a password as HTTP's Basic scheme joins them (RFC 7617): `user:password`. Prints
/// masked.
package struct BasicCredentials: Sendable, Equatable, CustomStringConvertible {
  /// Of the user name, and of the password.
  package static let longest = 256

  /// Secret.
  package let bytes: [UInt8]

  /// Reads what a person wrote.
  package init(typed text: String) throws(PolicyFault) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw PolicyFault("the credentials are not USER:PASSWORD")
    }
    guard parts.allSatisfy({ $0.utf8.count <= Self.longest }) else {
      throw PolicyFault(
        "a user name or a password is longer than \(Self.longest) bytes")
    }
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw PolicyFault("user name and password cannot hold control characters")
    }
    bytes = Array(text.utf8)
  }

  /// Reads the value of an Authorization field; nil for another scheme, or what is none.
  package init?(authorization value: String) {
    let parts = value.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic",
      parts[1].utf8.count <= 4 * Self.longest,
      let bytes = Base64.decode(parts[1].utf8.drop { $0 == 0x20 }),
      bytes.contains(UInt8(ascii: ":")), bytes.count <= 2 * Self.longest + 1
    else { return nil }
    self.bytes = bytes
  }

  /// Fewer characters can be guessed.
  package var isShort: Bool { bytes.drop { $0 != UInt8(ascii: ":") }.count <= 8 }

  package var description: String {
    String(decoding: bytes.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self) + ":…"
  }
}
