import struct NIOCore.ByteBuffer

/// The body of HELLO, OPEN, STOP, RESET, GOAWAY and CONTROL: key (2 bytes), length (2 bytes),
/// value, repeated. An unknown even key ends the session, an unknown odd key is passed over,
/// so that either side can learn a word before the other does.
///
/// The reader stands on one field at a time and reads in place: an OPEN comes with every exchange,
/// and a slice for each of its fields cost more than all else.
struct FieldReader {
  private let payload: ByteBuffer
  private var ahead: Int
  private var value: Range<Int>

  init(_ payload: ByteBuffer) {
    self.payload = payload
    ahead = payload.readerIndex
    value = ahead..<ahead
  }

  /// Goes to the next field and answers its key, nil at the end.
  mutating func next() throws(SessionFault) -> UInt16? {
    if ahead == payload.writerIndex { return nil }
    guard let head = payload.getInteger(at: ahead, as: UInt32.self) else {
      throw .peer(.badFields)
    }
    let start = ahead &+ 4  // bounded: `ahead` is in the payload
    let end = start &+ Int(head & 0xffff)  // bounded: a length has 16 bits
    guard end <= payload.writerIndex else { throw .peer(.badFields) }
    value = start..<end
    ahead = end
    return UInt16(truncatingIfNeeded: head >> 16)
  }

  /// What an unknown key means.
  static func unknown(_ key: UInt16) throws(SessionFault) {
    if key & 1 == 0 { throw .peer(.unknownField(key)) }
  }

  /// The whole of this field's value as an integer of exactly this width.
  func integer<T: FixedWidthInteger>(as type: T.Type = T.self) throws(SessionFault) -> T {
    guard value.count == T.bitWidth / 8,
      let integer = payload.getInteger(at: value.lowerBound, as: type)
    else { throw .peer(.badFields) }
    return integer
  }

  func id() throws(SessionFault) -> WireID {
    guard value.count == 16,
      let (high, low) = payload.getMultipleIntegers(
        at: value.lowerBound, as: (UInt64, UInt64).self)
    else { throw .peer(.badFields) }
    return WireID(high: high, low: low)
  }

  /// The whole value as UTF-8; bytes that are none become U+FFFD, never an error.
  func text() throws(SessionFault) -> String {
    guard value.count <= WireText.longest,
      let text = payload.getString(at: value.lowerBound, length: value.count)
    else { throw .peer(.badFields) }
    return text
  }
}

/// Key and length of a field, as the four bytes in front of its value.
func fieldHead(_ key: UInt16, _ length: Int) -> UInt32 {
  UInt32(key) << 16 | UInt32(UInt16(truncatingIfNeeded: length))
}

extension ByteBuffer {
  mutating func writeField<T: FixedWidthInteger>(_ key: UInt16, integer value: T) {
    writeMultipleIntegers(fieldHead(key, T.bitWidth / 8), value)
  }

  mutating func writeField(_ key: UInt16, id: WireID) {
    writeMultipleIntegers(fieldHead(key, 16), id.high, id.low)
  }

  /// Writes a text, cut to `longest` bytes: a person's long word must not end a session.
  mutating func writeField(_ key: UInt16, text: String, upTo longest: Int = WireText.written) {
    let whole = text.utf8.count
    writeInteger(fieldHead(key, min(whole, longest)))
    writeText(text, upTo: longest)
  }

  /// The bytes of a text, without the field's head.
  mutating func writeText(_ text: String, upTo longest: Int = WireText.written) {
    if text.utf8.count <= longest {
      writeString(text)
    } else {
      writeBytes(text.utf8.prefix(longest))
    }
  }

  mutating func writeField(_ key: UInt16) { writeInteger(fieldHead(key, 0)) }
}

enum WireText {
  /// Longest text in a field, in bytes.
  static let longest = 8_192
  /// Longest text that this side writes: three of them fit into one frame.
  static let written = 4_096
  /// The same for HELLO, which has up to 16 relays, a label and the software's name.
  static let greeting = 512
  static let relays = 16
}

/// A 128-bit identifier as it stands on the wire; what it names is the drivers' business.
package struct WireID: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}
