/// Tells the text of an IP address from a name (RFC 3986, 3.2.2). It only decides whether the
/// text is an address; nobody here needs its value.
enum AddressLiteral {
  /// Four decimal numbers to 255 with dots between, no leading zero.
  static func isIPv4(_ text: Span<UInt8>) -> Bool {
    var parts = 0
    var value = 0
    var digits = 0
    for index in 0...text.count {
      if index == text.count || text[index] == UInt8(ascii: ".") {
        guard digits > 0, value <= 255, parts < 4 else { return false }
        parts += 1
        value = 0
        digits = 0
        continue
      }
      guard let digit = digit(text[index]), digits < 3 else { return false }
      guard digits == 0 || value > 0 else { return false }
      value = value * 10 + digit
      digits += 1
    }
    return parts == 4
  }

  /// Up to eight groups of four hex digits, `::` once, an IPv4 tail in place of the last two.
  /// A zone (`%eth0`) is refused: it means nothing to anybody but its own host.
  static func isIPv6(_ text: Span<UInt8>) -> Bool {
    var groups = 0
    var compressed = false
    var index = 0
    guard text.count >= 2 else { return false }
    if text[0] == UInt8(ascii: ":") {
      guard text[1] == UInt8(ascii: ":") else { return false }
    }
    while index < text.count {
      if text[index] == UInt8(ascii: ":") {
        guard index + 1 < text.count else { return false }
        if text[index + 1] == UInt8(ascii: ":") {
          guard !compressed else { return false }
          compressed = true
          index += 2
          guard index == text.count || text[index] != UInt8(ascii: ":") else { return false }
          continue
        }
        index += 1
      }
      let start = index
      while index < text.count, hexDigit(text[index]) { index += 1 }
      if index < text.count, text[index] == UInt8(ascii: ".") {
        guard isIPv4(text.extracting(start..<text.count)) else { return false }
        groups += 2
        index = text.count
        break
      }
      guard index > start, index - start <= 4 else { return false }
      groups += 1
    }
    return compressed ? groups <= 7 : groups == 8
  }

  static func digit(_ byte: UInt8) -> Int? {
    (0x30...0x39).contains(byte) ? Int(byte) - 0x30 : nil
  }

  private static func hexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
