/// Where a run of permitted bytes ends: the innermost loops of every scanner.
///
/// Each function looks at `from..<to` and returns the first index whose byte is not permitted, or
/// `to`. Eight bytes are looked at in one go, without a table. In the masks a byte's top bit marks
/// it; a subtraction's borrow can mark too many, but only above one that is rightly marked, and
/// only the lowest mark is used.
enum ByteRun {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let tops: UInt64 = 0x8080_8080_8080_8080

  /// The caller has proved `at + 8 <= bytes.byteCount`.
  @inline(__always)
  private static func word(_ bytes: RawSpan, _ at: Int) -> UInt64 {
    UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self))
  }

  @inline(__always)
  private static func below(_ limit: UInt64, _ word: UInt64) -> UInt64 {
    (word &- ones &* limit) & ~word & tops
  }

  @inline(__always)
  private static func equal(_ byte: UInt64, _ word: UInt64) -> UInt64 {
    let difference = word ^ (ones &* byte)
    return (difference &- ones) & ~difference & tops
  }

  @inline(__always)
  private static func lowest(_ mask: UInt64) -> Int { mask.trailingZeroBitCount &>> 3 }

  /// Field value bytes: HTAB, SP, VCHAR and 8-bit (RFC 9110 section 5.5).
  @inline(__always)
  static func value(_ span: Span<UInt8>, from: Int, to: Int) -> Int {
    precondition(from >= 0 && to <= span.count)
    let bytes = span.bytes
    var index = from
    while index &+ 8 <= to {
      let word = word(bytes, index)
      let mask = below(0x20, word) | equal(0x7f, word)
      if mask == 0 {
        index &+= 8
        continue
      }
      index &+= lowest(mask)
      guard span[index] == 0x09 else { return index }
      index &+= 1
    }
    while index < to {
      let byte = span[index]
      guard byte == 0x09 || (byte >= 0x20 && byte != 0x7f) else { return index }
      index &+= 1
    }
    return index
  }

  /// Visible ASCII but `#`: what a request line's words are made of.
  @inline(__always)
  static func visible(_ span: Span<UInt8>, from: Int, to: Int) -> Int {
    precondition(from >= 0 && to <= span.count)
    let bytes = span.bytes
    var index = from
    while index &+ 8 <= to {
      let word = word(bytes, index)
      let mask = below(0x21, word) | equal(0x7f, word) | equal(0x23, word) | (word & tops)
      if mask == 0 {
        index &+= 8
        continue
      }
      return index &+ lowest(mask)
    }
    while index < to {
      let byte = span[index]
      guard byte > 0x20 && byte < 0x7f && byte != 0x23 else { return index }
      index &+= 1
    }
    return index
  }

  /// Token bytes (RFC 9110 section 5.6.2); says too whether a `_` was among them.
  @inline(__always)
  static func token(
    _ span: Span<UInt8>, from: Int, to: Int, underscore: inout Bool
  ) -> Int {
    precondition(from >= 0 && to <= span.count)
    let bytes = span.bytes
    var index = from
    while index < to {
      if index &+ 8 <= to {
        // Letters and `-` in one go; everything else byte by byte below.
        let word = word(bytes, index)
        let folded = (word | ones &* 0x20) & ~tops
        let letter = (folded &+ ones &* 0x1f) & ~(folded &+ ones &* 0x05)
        let hyphen = ~(((word & ~tops) ^ ones &* 0x2d) &+ ones &* 0x7f)
        let mask = ~(letter | hyphen) & tops | (word & tops)
        if mask == 0 {
          index &+= 8
          continue
        }
        index &+= lowest(mask)
      }
      let byte = span[index]
      guard isToken(byte) else { return index }
      if byte == 0x5f { underscore = true }
      index &+= 1
    }
    return index
  }

  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x2d: true
    case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
    default: false
    }
  }
}
