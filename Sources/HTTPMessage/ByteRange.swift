/// A run of bytes inside a head, as offsets from the head's first byte (leading CRLF included).
///
/// Offsets instead of slices: a head may be looked at while it still grows, and nothing is copied.
package struct ByteRange: Equatable, Sendable {
  package let lower: UInt32
  package let upper: UInt32

  init(_ lower: Int, _ upper: Int) {
    self.lower = UInt32(truncatingIfNeeded: lower)
    self.upper = UInt32(truncatingIfNeeded: upper)
  }

  static let empty = ByteRange(0, 0)

  package var start: Int { Int(lower) }
  package var end: Int { Int(upper) }
  package var count: Int { end &- start }  // bounded: a range ends no sooner than it starts
  package var isEmpty: Bool { lower == upper }
  package var range: Range<Int> { start..<end }
}
