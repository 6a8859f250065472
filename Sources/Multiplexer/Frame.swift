import struct NIOCore.ByteBuffer

/// The kinds of frame of `tunnel/1` (docs/protocol.md).
///
/// 0x00 to 0x3f are critical: an unknown one ends the session. 0x40 to 0x7f are skipped by
/// their length. The top bit is reserved.
package enum FrameType: UInt8, Sendable {
  case hello = 0x01
  case open = 0x02
  case data = 0x03
  case commit = 0x04
  case window = 0x05
  case stop = 0x06
  case reset = 0x07
  case ping = 0x08
  case pong = 0x09
  case goAway = 0x0a
  case control = 0x0b

  static let ignorable: ClosedRange<UInt8> = 0x40...0x7f
}

/// The 14 bytes in front of every payload: type, flags, payload length in bytes, stream.
/// All integers on the wire are big-endian.
struct FrameHeader {
  static let size = 14
  static let endFlag: UInt8 = 0x01
  /// Longest payload of any frame, in bytes.
  static let longestPayload: UInt32 = 65_536
  /// Longest payload of a frame made of fields (HELLO, OPEN, STOP, RESET, GOAWAY, CONTROL).
  static let longestFields: UInt32 = 16_384

  let type: UInt8
  let flags: UInt8
  let length: UInt32
  let stream: UInt64

  /// Reads a header, or answers nil while fewer than 14 bytes are there.
  init?(from buffer: inout ByteBuffer) {
    guard
      let (type, flags, length, stream) = buffer.readMultipleIntegers(
        as: (UInt8, UInt8, UInt32, UInt64).self)
    else { return nil }
    self.type = type
    self.flags = flags
    self.length = length
    self.stream = stream
  }
}

extension ByteBuffer {
  mutating func writeFrameHeader(
    _ type: FrameType, flags: UInt8 = 0, stream: UInt64 = 0, length: Int
  ) {
    writeMultipleIntegers(type.rawValue, flags, UInt32(length), stream)
  }

  /// Writes a frame whose payload is made by `body`; the length is filled in behind it.
  mutating func writeFrame(
    _ type: FrameType, stream: UInt64 = 0, body: (inout ByteBuffer) -> Void
  ) {
    let start = writerIndex
    writeFrameHeader(type, stream: stream, length: 0)
    body(&self)
    let length = writerIndex &- start &- FrameHeader.size  // bounded: the body came behind `start`
    setInteger(UInt32(length), at: start &+ 2)  // bounded: inside the buffer
  }
}
