/// Base64 with padding (RFC 4648, section 4), for the short values of HTTP heads.
package enum Base64 {
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    var bits = 0
    var held = 0
    for byte in bytes {
      bits = bits << 8 | Int(byte)
      held += 8
      while held >= 6 {
        held -= 6
        out.append(digits[bits >> held & 63])
      }
      bits &= (1 << held) - 1
    }
    if held > 0 { out.append(digits[bits << (6 - held) & 63]) }
    while out.count % 4 != 0 { out.append(UInt8(ascii: "=")) }
    return String(decoding: out, as: UTF8.self)
  }

  /// Nil for what is none. The padding may be missing, as some clients leave it away; bits that
  /// nothing needs must be 0, so that each value has one form.
  package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var digits = Array(text)
    if digits.count % 4 == 0 {
      for _ in 0..<2 where digits.last == UInt8(ascii: "=") { digits.removeLast() }
    }
    guard digits.count % 4 != 1 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count / 4 * 3 + 2)
    var bits = 0
    var held = 0
    for digit in digits {
      guard let value = value(digit) else { return nil }
      bits = bits << 6 | value
      held += 6
      if held >= 8 {
        held -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> held))
      }
      bits &= (1 << held) - 1
    }
    return bits == 0 ? out : nil
  }

  private static func value(_ digit: UInt8) -> Int? {
    switch digit {
    case 0x41...0x5a: Int(digit) - 0x41
    case 0x61...0x7a: Int(digit) - 0x61 + 26
    case 0x30...0x39: Int(digit) - 0x30 + 52
    case 0x2b: 62
    case 0x2f: 63
    default: nil
    }
  }
}
