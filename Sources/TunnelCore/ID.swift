/// A 128-bit identifier. What is made and kept (accounts, endpoints, exchanges) gets a version 7
/// id, so that ids sort by the time they were made (RFC 9562, 5.7); an instance gets a plain
/// random one (RFC 9562, 5.4). Its text is the lower-case form of RFC 9562, section 4.
package struct ID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Version 7: 48 bits of Unix time in milliseconds, then randomness.
  package init(
    unixMilliseconds: UInt64, using generator: inout some RandomNumberGenerator
  ) {
    let random: UInt64 = generator.next()
    high = (unixMilliseconds & 0xffff_ffff_ffff) << 16 | 0x7000 | (random & 0x0fff)
    low = ID.variant(generator.next())
  }

  /// Version 4: 122 random bits.
  package static func random(using generator: inout some RandomNumberGenerator) -> ID {
    let random: UInt64 = generator.next()
    return ID(high: random & ~0xf000 | 0x4000, low: variant(generator.next()))
  }

  /// Reads the form of 36 characters, in either case; anything else is nil.
  package init?(_ text: String) {
    var digits = 0
    var halves: (UInt64, UInt64) = (0, 0)
    let bytes = text.utf8
    guard bytes.count == 36 else { return nil }
    for (offset, byte) in bytes.enumerated() {
      if offset == 8 || offset == 13 || offset == 18 || offset == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let value = ID.hexValue(byte) else { return nil }
      if digits < 16 {
        halves.0 = halves.0 << 4 | value
      } else {
        halves.1 = halves.1 << 4 | value
      }
      digits += 1
    }
    high = halves.0
    low = halves.1
  }

  package var description: String {
    String(unsafeUninitializedCapacity: 36) { out in
      var place = 0
      for digit in 0..<32 {
        if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
          out[place] = UInt8(ascii: "-")
          place += 1
        }
        let half = digit < 16 ? high : low
        let value = UInt8(truncatingIfNeeded: half >> UInt64((15 - digit % 16) * 4)) & 0xf
        out[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
        place += 1
      }
      return place
    }
  }

  package static func < (left: ID, right: ID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }

  /// The variant bits `10` of RFC 9562, 4.1.
  private static func variant(_ bits: UInt64) -> UInt64 {
    bits & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
  }

  private static func hexValue(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
