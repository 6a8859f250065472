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
    String(unsafeUninitializedCapacity: ID.textLength) { out in
      write(to: UnsafeMutableRawBufferPointer(out))
      return ID.textLength
    }
  }

  static let textLength = 36

  /// Writes the text over the first 36 bytes of `out`.
  func write(to out: UnsafeMutableRawBufferPointer) {
    precondition(out.count >= ID.textLength)
    func put(_ digits: UInt64, at place: Int) {
      out.storeBytes(of: digits.bigEndian, toByteOffset: place, as: UInt64.self)
    }
    // Later pieces and the hyphens overwrite what the earlier ones wrote too far.
    put(ID.hexDigits(high >> 32), at: 0)
    put(ID.hexDigits(high & 0xffff_ffff), at: 9)
    put(ID.hexDigits(high & 0xffff) << 32, at: 14)
    put(ID.hexDigits(low >> 32), at: 19)
    put(ID.hexDigits(low >> 32) << 32, at: 24)
    put(ID.hexDigits(low & 0xffff_ffff), at: 28)
    out[8] = UInt8(ascii: "-")
    out[13] = UInt8(ascii: "-")
    out[18] = UInt8(ascii: "-")
    out[23] = UInt8(ascii: "-")
  }

  /// 32 bits as eight digits in one word, the first in its top byte: the nibbles are spread over
  /// the bytes, then all of them become ASCII at once.
  private static func hexDigits(_ bits: UInt64) -> UInt64 {
    var word = (bits << 16 | bits) & 0x0000_ffff_0000_ffff
    word = (word << 8 | word) & 0x00ff_00ff_00ff_00ff
    word = (word << 4 | word) & 0x0f0f_0f0f_0f0f_0f0f
    let letters = (word &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return word &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
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
