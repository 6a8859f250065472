/// The form of a Host field's value: a name or an address, and a port if there is one.
///
/// RFC 3986 section 3.2.2 allows more in a host than a name can hold; here it is letters, digits,
/// `-`, `.`, `_`, or an IPv6 literal in brackets, and a port has 1 to 5 digits. Whether the name is
/// a good one is for those to say who route by it.
enum HostField {
  static func isValid(_ span: Span<UInt8>, _ value: ByteRange) -> Bool {
    guard !value.isEmpty else { return false }
    var index = value.start
    let end = value.end
    if span[index] == 0x5b {
      index &+= 1  // bounded: below `end`
      let start = index
      while index < end, isAddress(span[index]) { index &+= 1 }  // bounded: below `end`
      guard index > start, index < end, span[index] == 0x5d else { return false }
      index &+= 1  // bounded: below `end`
    } else {
      while index < end, isName(span[index]) { index &+= 1 }  // bounded: below `end`
      guard index > value.start else { return false }
    }
    if index == end { return true }
    // bounded: `index` is below `end`
    guard span[index] == Byte.colon, (1...5).contains(end &- index &- 1) else { return false }
    // bounded: `index` is below `end`
    for port in (index &+ 1)..<end where span[port] &- 0x30 > 9 { return false }
    return true
  }

  @inline(__always)
  private static func isName(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }

  @inline(__always)
  private static func isAddress(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x66, 0x41...0x46, 0x30...0x39, 0x2e, 0x3a: true
    default: false
    }
  }
}
