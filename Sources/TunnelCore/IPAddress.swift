/// An IPv4 or IPv6 address as a number. IPv4 is kept as its IPv4-mapped IPv6 address (RFC 4291,
/// section 2.5.5.2): a listener of both sees the same client in either form, and it is one.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  static let mapped: UInt128 = 0xffff << 32
  let bits: UInt128

  /// Reads `192.0.2.1`, `2001:db8::1` and `::ffff:192.0.2.1`; no port, brackets or zone.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    if AddressLiteral.isIPv4(bytes.span) {
      bits = Self.mapped | UInt128(Self.quad(bytes[...]))
    } else if AddressLiteral.isIPv6(bytes.span) {
      bits = Self.number(bytes)
    } else {
      return nil
    }
  }

  /// Reads an entry of X-Forwarded-For: also `192.0.2.1:5678`, `[2001:db8::1]` and
  /// `[2001:db8::1]:5678`, as some proxies write them.
  package init?(forwarded entry: some StringProtocol) {
    let isBlank = { (character: Character) in character == " " || character == "\t" }
    let text = String(
      entry.trimmingPrefix(while: isBlank).reversed().drop(while: isBlank).reversed())
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]"),
        Self.isPort(text[text.index(after: end)...])
      else { return nil }
      self.init(text[..<end].dropFirst())
    } else if text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") {
      guard Self.isPort(text[colon...]) else { return nil }
      self.init(text[..<colon])
    } else {
      self.init(text)
    }
  }

  package var isIPv4: Bool { bits >> 32 == 0xffff }

  /// What counts as one place: an IPv4 address, or the /64 that one line usually gets (RFC 6177).
  package var place: UInt128 { isIPv4 ? bits : (bits >> 64) << 64 }

  /// The one form of RFC 5952; a mapped address as IPv4.
  package var description: String {
    if isIPv4 {
      return (0..<4).map { String(UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0))) }
        .joined(separator: ".")
    }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
    let zeros = Self.longestZeros(groups)
    let texts = groups.map { String($0, radix: 16) }
    guard zeros.count > 1 else { return texts.joined(separator: ":") }
    return texts[..<zeros.lowerBound].joined(separator: ":") + "::"
      + texts[zeros.upperBound...].joined(separator: ":")
  }

  private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
    var longest = 0..<0
    var start = 0
    for index in groups.indices {
      if groups[index] != 0 { start = index + 1 }
      if index + 1 - start > longest.count { longest = start..<index + 1 }
    }
    return longest
  }

  /// Empty, or `:` and a port.
  private static func isPort(_ text: Substring) -> Bool {
    text.isEmpty
      || text.count <= 6 && text.hasPrefix(":") && UInt16(text.dropFirst()) != nil
        && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
  }

  // Both take only what `AddressLiteral` has found to be right.

  private static func quad(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.split(separator: UInt8(ascii: ".")).reduce(0) { sum, part in
      sum << 8 | part.reduce(0) { $0 * 10 + UInt32($1 - 0x30) }
    }
  }

  private static func number(_ bytes: [UInt8]) -> UInt128 {
    let colon = UInt8(ascii: ":")
    let gap = bytes.firstRange(of: [colon, colon])
    let left = groups(bytes[..<(gap?.lowerBound ?? bytes.endIndex)])
    let right = groups(bytes[(gap?.upperBound ?? bytes.endIndex)...])
    let zeros = [UInt16](repeating: 0, count: max(0, 8 - left.count - right.count))
    return (left + zeros + right).reduce(0) { $0 << 16 | UInt128($1) }
  }

  private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16] {
    bytes.split(separator: UInt8(ascii: ":")).flatMap { part -> [UInt16] in
      if part.contains(UInt8(ascii: ".")) {
        let quad = quad(part)
        return [UInt16(quad >> 16), UInt16(quad & 0xffff)]
      }
      return [UInt16(String(decoding: part, as: UTF8.self), radix: 16) ?? 0]
    }
  }
}
