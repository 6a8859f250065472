/// Bytes that HTTP gives a meaning.
enum Byte {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0a
  static let carriageReturn: UInt8 = 0x0d
  static let space: UInt8 = 0x20
  static let hash: UInt8 = 0x23
  static let asterisk: UInt8 = 0x2a
  static let comma: UInt8 = 0x2c
  static let slash: UInt8 = 0x2f
  static let colon: UInt8 = 0x3a
  static let semicolon: UInt8 = 0x3b
  static let question: UInt8 = 0x3f

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  @inline(__always)
  static func lowered(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }
}

/// Comparisons with words of the protocol, ASCII case folded.
extension Span<UInt8> {
  /// `text` is lower case, of letters, digits, `-` and `/`; the bytes are free of controls.
  ///
  /// Case is folded by setting bit 0x20. Only a control character could be mistaken for one of
  /// text's bytes by that, so the run must have been checked before.
  @inline(__always)
  func matches(_ range: ByteRange, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    return range.count == count && begins(range.start, text)
  }

  /// The bytes from `start` begin with `text`; the caller has proved that there are enough.
  @inline(__always)
  func begins(_ start: Int, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    let wanted = UnsafeRawPointer(text.utf8Start)
    let bytes = self.bytes
    if count >= 8 {
      var offset = 0
      while true {
        let word = bytes.unsafeLoadUnaligned(fromByteOffset: start &+ offset, as: UInt64.self)
        let other = wanted.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        if word | 0x2020_2020_2020_2020 != other { return false }
        if offset == count &- 8 { return true }
        // The last step overlaps the one before it.
        offset = Swift.min(offset &+ 8, count &- 8)
      }
    }
    if count >= 4 {
      let first = bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self)
      let last = bytes.unsafeLoadUnaligned(
        fromByteOffset: start &+ count &- 4, as: UInt32.self)
      return first | 0x2020_2020 == wanted.loadUnaligned(as: UInt32.self)
        && last | 0x2020_2020
          == wanted.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
    }
    for offset in 0..<count
    where self[start &+ offset] | 0x20 != wanted.load(fromByteOffset: offset, as: UInt8.self) {
      return false
    }
    return true
  }

  /// Two runs of this head are the same but for ASCII case.
  func same(_ one: ByteRange, _ other: ByteRange) -> Bool {
    guard one.count == other.count else { return false }
    for offset in 0..<one.count
    // bounded: both runs are inside the span
    where Byte.lowered(self[one.start &+ offset]) != Byte.lowered(self[other.start &+ offset]) {
      return false
    }
    return true
  }

  /// The run without blanks at either end.
  @inline(__always)
  func trimmed(_ start: Int, _ end: Int) -> ByteRange {
    var lower = start
    var upper = end
    while lower < upper, Byte.isBlank(self[lower]) { lower &+= 1 }
    while upper > lower, Byte.isBlank(self[upper &- 1]) { upper &-= 1 }
    return ByteRange(lower, upper)
  }

  /// The next element of a comma-separated list from `position`, trimmed; empty ones are skipped
  /// (RFC 9110 section 5.6.1). Quotes mean nothing: no list that is read here may hold them.
  func element(_ position: inout Int, _ end: Int) -> ByteRange? {
    while position < end {
      let start = position
      while position < end, self[position] != Byte.comma { position &+= 1 }
      let found = trimmed(start, position)
      position &+= 1
      if !found.isEmpty { return found }
    }
    return nil
  }
}
