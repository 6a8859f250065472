import struct NIOCore.ByteBuffer

/// The body of HELLO, OPEN, STOP, RESET, GOAWAY and CONTROL: key (2 bytes), length (2 bytes),
/// value, repeated. An unknown even key ends the session, an unknown odd key is passed over,
/// so that either side can learn a word before the other does.
struct FieldReader {
  private var rest: ByteBuffer

  init(_ payload: ByteBuffer) { rest = payload }

  /// The next field, nil at the end.
  mutating func next() throws(SessionFault) -> (key: UInt16, value: ByteBuffer)? {
    if rest.readableBytes == 0 { return nil }
    guard let (key, length) = rest.readMultipleIntegers(as: (UInt16, UInt16).self),
      let value = rest.readSlice(length: Int(length))
    else { throw .peer(.badFields) }
    return (key, value)
  }

  /// What an unknown key means.
  static func unknown(_ key: UInt16) throws(SessionFault) {
    if key & 1 == 0 { throw .peer(.unknownField(key)) }
  }
}

extension ByteBuffer {
  mutating func writeField(_ key: UInt16, integer value: some FixedWidthInteger) {
    writeMultipleIntegers(key, UInt16(value.bitWidth / 8))
    writeInteger(value)
  }

  mutating func writeField(_ key: UInt16, id: WireID) {
    writeMultipleIntegers(key, UInt16(16), id.high, id.low)
  }

  /// Writes at most the 8 KiB that a text may have; longer ones are cut by the callers' limits.
  mutating func writeField(_ key: UInt16, text: String) {
    let bytes = text.utf8.prefix(WireText.longest)
    writeMultipleIntegers(key, UInt16(bytes.count))
    writeBytes(bytes)
  }

  mutating func writeField(_ key: UInt16) {
    writeMultipleIntegers(key, UInt16(0))
  }

  /// The whole of a field's value as an integer of exactly this width.
  func wholeInteger<T: FixedWidthInteger>(as type: T.Type) throws(SessionFault) -> T {
    guard readableBytes == T.bitWidth / 8, let value = getInteger(at: readerIndex, as: type)
    else { throw .peer(.badFields) }
    return value
  }

  func wholeID() throws(SessionFault) -> WireID {
    guard readableBytes == 16,
      let high = getInteger(at: readerIndex, as: UInt64.self),
      let low = getInteger(at: readerIndex + 8, as: UInt64.self)
    else { throw .peer(.badFields) }
    return WireID(high: high, low: low)
  }

  /// The whole value as UTF-8; bytes that are none become U+FFFD, never an error.
  func wholeText() throws(SessionFault) -> String {
    guard readableBytes <= WireText.longest else { throw .peer(.badFields) }
    return String(decoding: readableBytesView, as: UTF8.self)
  }
}

enum WireText {
  /// Longest text in a field, in bytes.
  static let longest = 8_192
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
