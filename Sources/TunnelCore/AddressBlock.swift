/// A block of addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3): `10.0.0.0/8`,
/// `fd00::/8`, or one address alone.
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  private let bits: UInt128
  private let mask: UInt128

  /// Nil for what is no block. What stands behind the prefix (`10.1.2.3/8`) does not matter.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else { return nil }
    // Of an IPv4-mapped IPv6 address the prefix counts all 128 bits, as it is written.
    let width = parts[0].contains(":") ? 128 : 32
    var prefix = width
    if parts.count == 2 {
      guard parts[1].count <= 3, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = Int(parts[1]), number <= width
      else { return nil }
      prefix = number
    }
    let free = width - prefix
    mask = free == 128 ? 0 : UInt128.max << UInt128(free)
    bits = address.bits & mask
    description = text
  }

  package func contains(_ address: IPAddress) -> Bool { address.bits & mask == bits }

  /// As people mean a block in a rule: `::/0` is all of IPv6 and nothing of IPv4, although the
  /// mapped form of IPv4 lies in it.
  package func names(_ address: IPAddress) -> Bool {
    contains(address) && (!address.isIPv4 || mask >> 32 == UInt128.max >> 32)
  }
}
