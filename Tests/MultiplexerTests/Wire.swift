import NIOCore

@testable import Multiplexer

/// Frames written by hand, as a peer of another make would; any of them may be wrong.
enum Wire {
  static func frame(
    _ type: UInt8, flags: UInt8 = 0, stream: UInt64 = 0, _ payload: ByteBuffer = ByteBuffer()
  ) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeMultipleIntegers(type, flags, UInt32(payload.readableBytes), stream)
    buffer.writeImmutableBuffer(payload)
    return buffer
  }

  static func frame(
    _ type: FrameType, flags: UInt8 = 0, stream: UInt64 = 0, _ payload: ByteBuffer = ByteBuffer()
  ) -> ByteBuffer {
    frame(type.rawValue, flags: flags, stream: stream, payload)
  }

  static func fields(_ fields: (key: UInt16, value: [UInt8])...) -> ByteBuffer {
    var buffer = ByteBuffer()
    for field in fields {
      buffer.writeMultipleIntegers(field.key, UInt16(field.value.count))
      buffer.writeBytes(field.value)
    }
    return buffer
  }

  static func data(_ stream: UInt64, _ count: Int, end: Bool = false) -> ByteBuffer {
    frame(.data, flags: end ? 1 : 0, stream: stream, .zeros(count))
  }

  static func window(_ stream: UInt64, consumed: UInt64, limit: UInt64) -> ByteBuffer {
    var payload = ByteBuffer()
    payload.writeMultipleIntegers(consumed, limit)
    return frame(.window, stream: stream, payload)
  }

  static var hello: ByteBuffer {
    var buffer = ByteBuffer()
    Hello.sample("peer").write(to: &buffer)
    return buffer
  }

  static func open(_ stream: UInt64, _ open: Open = .sample) -> ByteBuffer {
    var buffer = ByteBuffer()
    open.write(to: &buffer, stream: stream)
    return buffer
  }
}

extension Session {
  static func agent(_ limits: Limits = .init()) -> Session {
    Session(role: .agent, hello: .sample("agent"), limits: limits)
  }

  /// The events of these bytes.
  mutating func take(_ frames: ByteBuffer...) throws -> [Event] {
    for bytes in frames { receive(bytes, at: 0) }
    var events: [Event] = []
    while let event = try next() { events.append(event) }
    return events
  }

  /// The violation that these bytes are, nil when they are none.
  mutating func violation(_ frames: ByteBuffer...) -> SessionFault.Violation? {
    for bytes in frames { receive(bytes, at: 0) }
    do throws(SessionFault) {
      while try next() != nil {}
      return nil
    } catch {
      switch error {
      case .peer(let violation): return violation
      }
    }
  }

  /// Everything that waits for the link.
  mutating func output() -> ByteBuffer {
    var all = ByteBuffer()
    while let bytes = nextOutput() { all.writeImmutableBuffer(bytes) }
    return all
  }
}

/// The frames in some bytes, for looking at what a session sent.
func frames(_ bytes: ByteBuffer) -> [(type: UInt8, flags: UInt8, stream: UInt64, length: Int)] {
  var bytes = bytes
  var frames: [(type: UInt8, flags: UInt8, stream: UInt64, length: Int)] = []
  while let header = FrameHeader(at: bytes) {
    frames.append((header.type, header.flags, header.stream, Int(header.length)))
    bytes.moveReaderIndex(forwardBy: FrameHeader.size + Int(header.length))
  }
  return frames
}
