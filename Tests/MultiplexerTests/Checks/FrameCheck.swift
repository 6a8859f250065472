import NIOCore

@testable import Multiplexer

/// What a check found wrong. A check is a function of an input's bytes that throws this; the
/// fuzzer's targets (`Fuzz/`) and the replay of their corpus call the same ones.
package struct Broken: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

func demand(_ holds: Bool, _ what: @autoclosure () -> String) throws(Broken) {
  if !holds { throw Broken(what()) }
}

/// What is read from a frame made of fields, written and read again, is the same; what is written
/// keeps to the longest frame.
package enum FrameCheck {
  /// The first byte says which frame, the others are its payload.
  package static func run(_ bytes: [UInt8]) throws {
    let payload = ByteBuffer(bytes: bytes.dropFirst())
    switch (bytes.first ?? 0) % 6 {
    case 0:
      try check(.hello, payload, read: { try Hello($0) }, write: { $1.write(to: &$0) })
    case 1:
      try check(.open, payload, read: { try Open($0) }, write: { $1.write(to: &$0, stream: 1) })
    case 2:
      try check(
        .stop, payload, read: { try Farewell($0) }, write: { $1.write(.stop, to: &$0, stream: 1) })
    case 3:
      try check(.goAway, payload, read: { try GoAway($0) }, write: { $1.write(to: &$0) })
    case 4:
      try check(.control, payload, read: { try Control.read($0) }, write: { $1.write(to: &$0) })
    default: try header(payload)
    }
  }

  private static func header(_ payload: ByteBuffer) throws(Broken) {
    guard let header = FrameHeader(at: payload) else {
      return try demand(payload.readableBytes < FrameHeader.size, "a header was not read")
    }
    guard let type = FrameType(rawValue: header.type), header.length < 1 << 30 else { return }
    var again = ByteBuffer()
    again.writeFrameHeader(
      type, flags: header.flags, stream: header.stream, length: Int(header.length))
    let before = payload.getSlice(at: payload.readerIndex, length: FrameHeader.size)
    try demand(again == before, "another header")
  }

  private static func check<T: Equatable>(
    _ type: FrameType, _ payload: ByteBuffer, read: (ByteBuffer) throws -> T?,
    write: (inout ByteBuffer, T) -> Void
  ) throws {
    guard let first = try? read(payload) else { return }
    var frame = ByteBuffer()
    write(&frame, first)
    let written = frame
    guard let header = FrameHeader(at: frame) else { throw Broken("no header was written") }
    frame.moveReaderIndex(forwardBy: FrameHeader.size)
    try demand(header.type == type.rawValue, "another type was written")
    try demand(Int(header.length) == frame.readableBytes, "another length was written")
    try demand(header.length <= FrameHeader.longestFields, "\(header.length) bytes were written")
    guard let second = try? read(frame) else { throw Broken("what was written does not read") }
    // A text that is longer than what this side writes is cut.
    if longestText(payload) > (type == .hello ? WireText.greeting : WireText.written) { return }
    try demand(first == second, "\(first) became \(second)")
    var again = ByteBuffer()
    write(&again, second)
    try demand(again == written, "it was written in two ways")
  }

  /// The longest value as text: a byte that is no UTF-8 takes three.
  private static func longestText(_ payload: ByteBuffer) -> Int { payload.readableBytes * 3 }
}
