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

  /// Reads the header at the buffer's start, or answers nil while fewer than 14 bytes are there.
  ///
  /// In one look at the memory, here and where headers are written: a call of the buffer for each
  /// integer was a tenth of an exchange's instructions.
  init?(at buffer: ByteBuffer) {
    guard buffer.readableBytes >= Self.size else { return nil }
    (type, flags, length, stream) = buffer.withUnsafeReadableBytes { memory in
      (
        memory.load(fromByteOffset: 0, as: UInt8.self),
        memory.load(fromByteOffset: 1, as: UInt8.self),
        UInt32(bigEndian: memory.loadUnaligned(fromByteOffset: 2, as: UInt32.self)),
        UInt64(bigEndian: memory.loadUnaligned(fromByteOffset: 6, as: UInt64.self))
      )
    }
  }
}

extension ByteBuffer {
  mutating func writeFrameHeader(
    _ type: FrameType, flags: UInt8 = 0, stream: UInt64 = 0, length: Int
  ) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.size) { memory in
      var pen = FieldPen(memory)
      pen.put(type.rawValue)
      pen.put(flags)
      pen.put(UInt32(truncatingIfNeeded: length))
      pen.put(stream)
      return pen.count
    }
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
