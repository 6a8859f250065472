/// The names that a CI token may serve: `ci-*`, where `*` stands for any characters of a name,
/// also none. A pattern without a dot is about the label below the relay's base domain, one with a
/// dot about the whole host name.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// Nil unless it holds only a-z, 0-9, hyphen, dot and `*`, at most 253 of them.
  package init?(_ text: String) {
    let isFit = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x61...0x7a, 0x30...0x39: true
      default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*")
      }
    }
    guard isFit, !text.isEmpty, text.utf8.count <= DomainName.lengthLimit else { return nil }
    self.text = text
  }

  package var description: String { text }

  package func matches(_ host: DomainName, under base: DomainName) -> Bool {
    if text.utf8.contains(UInt8(ascii: ".")) { return matches(Array(host.text.utf8)) }
    guard let label = host.label(under: base) else { return false }
    return matches(Array(label.utf8))
  }

  /// Goes back to the last `*` only, so that its time is at most the product of both lengths.
  private func matches(_ name: [UInt8]) -> Bool {
    let pattern = Array(text.utf8)
    var (place, index) = (0, 0)
    var star: (place: Int, index: Int)?
    while index < name.count {
      if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
        star = (place, index)
        place += 1
      } else if place < pattern.count, pattern[place] == name[index] {
        place += 1
        index += 1
      } else if let last = star {
        place = last.place + 1
        index = last.index + 1
        star = (last.place, index)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
