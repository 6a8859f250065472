/// A public host name that an account can hold: lower case, no port, no final dot, labels of 1 to
/// 63 characters out of `[a-z0-9-]` that neither start nor end in `-`, at most 253 in all, the last
/// label not all digits (RFC 1123, 2.1; RFC 1035, 2.3.4; the WHATWG rule "ends in a number").
package struct DomainName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package static let lengthLimit = 253
  package static let labelLengthLimit = 63

  package let text: String

  /// Accepts upper case and one final dot, and takes both away.
  package init(_ text: String) throws(NameFault) {
    var name = Substring(text)
    if name.utf8.last == UInt8(ascii: ".") { name = name.dropLast() }
    guard !name.isEmpty else { throw .empty }
    let lower = try DomainName.lowered(name, of: text)
    guard lower.count <= DomainName.lengthLimit else {
      throw .tooLong(text, limit: DomainName.lengthLimit)
    }
    let labels = lower.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    for label in labels {
      guard let first = label.first, let last = label.last else { throw .emptyLabel(text) }
      guard label.count <= DomainName.labelLengthLimit else {
        throw .tooLong(String(decoding: label, as: UTF8.self), limit: DomainName.labelLengthLimit)
      }
      guard first != UInt8(ascii: "-"), last != UInt8(ascii: "-") else {
        throw .hyphenAtEdge(String(decoding: label, as: UTF8.self))
      }
    }
    if let last = labels.last, last.allSatisfy({ (0x30...0x39).contains($0) }) {
      throw .numeric(text)
    }
    self.text = String(decoding: lower, as: UTF8.self)
  }

  /// The same rules over bytes off the network, without reasons: this runs once an exchange, and
  /// makes nothing but the text.
  init?(host: Span<UInt8>) {
    var count = host.count
    if count > 0, host[count - 1] == UInt8(ascii: ".") { count -= 1 }
    guard count > 0, count <= DomainName.lengthLimit else { return nil }
    var label = 0
    var isNumeric = true
    var last = UInt8(ascii: ".")
    for index in 0..<count {
      let byte = host[index]
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        isNumeric = false
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        break
      case UInt8(ascii: "-"):
        guard label > 0 else { return nil }
        isNumeric = false
      case UInt8(ascii: "."):
        guard label > 0, last != UInt8(ascii: "-") else { return nil }
        label = -1
        isNumeric = true
      default: return nil
      }
      label += 1
      guard label <= DomainName.labelLengthLimit else { return nil }
      last = byte
    }
    guard label > 0, last != UInt8(ascii: "-"), !isNumeric else { return nil }
    text = host.withUnsafeBufferPointer { source in
      String(unsafeUninitializedCapacity: count) { target in
        for index in 0..<count {
          let byte = source[index]
          target[index] = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
        }
        return count
      }
    }
  }

  package var description: String { text }

  /// True if this name stands exactly one label below `base`.
  package func isSubdomain(of base: DomainName) -> Bool { label(under: base) != nil }

  /// The one label that this name has before `base`; nil if it has none or more.
  package func label(under base: DomainName) -> String? {
    let ending = "." + base.text
    guard text.hasSuffix(ending) else { return nil }
    let label = text.dropLast(ending.utf8.count)
    guard !label.isEmpty, !label.utf8.contains(UInt8(ascii: ".")) else { return nil }
    return String(label)
  }

  package static func < (left: DomainName, right: DomainName) -> Bool { left.text < right.text }

  private static func lowered(
    _ name: Substring, of text: String
  ) throws(NameFault) -> [UInt8] {
    var lower: [UInt8] = []
    for character in name {
      guard let byte = character.asciiValue else { throw .badCharacter(character, in: text) }
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "."):
        lower.append(byte)
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): lower.append(byte | 0x20)
      case UInt8(ascii: ":"), UInt8(ascii: "/"): throw .notBare(text)
      default: throw .badCharacter(character, in: text)
      }
    }
    return lower
  }
}
