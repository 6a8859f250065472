import struct NIOCore.ByteBuffer

/// Whose doing it is that a stream ends early.
package enum Blame: UInt8, Sendable {
  case relay = 0
  case agent = 1
  case client = 2
  case upstream = 3
}

/// Why half a stream ends before its END: the body of STOP ("send me no more") and of RESET
/// ("I send no more").
package struct Farewell: Equatable, Sendable {
  /// Unknown codes of a newer peer are read as `cancelled`.
  package enum Code: UInt16, Sendable {
    /// Nothing is wrong: the rest is not needed.
    case done = 0
    case cancelled = 1
    case upstreamRefused = 2
    case upstreamInvalid = 3
    case upstreamTimeout = 4
    case overloaded = 5
    case staleEpoch = 6
    case kept = 7
    case unsupported = 8
    case badMessage = 9
  }

  package var code: Code
  package var blame: Blame
  /// For people and logs.
  package var text: String

  package init(_ code: Code, blame: Blame, _ text: String = "") {
    self.code = code
    self.blame = blame
    self.text = text
  }

  func write(_ type: FrameType, to buffer: inout ByteBuffer, stream: UInt64) {
    buffer.writeFrame(type, stream: stream) { body in
      body.writeField(0, integer: code.rawValue)
      body.writeField(2, integer: blame.rawValue)
      if !text.isEmpty { body.writeField(3, text: text) }
    }
  }

  init(_ payload: ByteBuffer) throws(SessionFault) {
    self.init(.cancelled, blame: .agent)
    var fields = FieldReader(payload)
    while let key = try fields.next() {
      switch key {
      case 0: code = Code(rawValue: try fields.integer(as: UInt16.self)) ?? .cancelled
      case 2:
        guard let known = Blame(rawValue: try fields.integer(as: UInt8.self))
        else { throw .peer(.badFields) }
        blame = known
      case 3: text = try fields.text()
      default: try FieldReader.unknown(key)
      }
    }
  }
}

/// GOAWAY: this side takes no new streams; those up to `lastStream` go on.
package struct GoAway: Equatable, Sendable {
  /// Unknown codes are read as `stop`.
  package enum Code: UInt16, Sendable {
    case drain = 0
    case handover = 1
    case stop = 2
    case revoked = 3
    case limit = 4
    case protocolFault = 5
  }

  package var code: Code
  package var text: String
  /// The last stream of the receiver's that was taken.
  package var lastStream: UInt64

  package init(_ code: Code, _ text: String, lastStream: UInt64 = 0) {
    self.code = code
    self.text = text
    self.lastStream = lastStream
  }

  func write(to buffer: inout ByteBuffer) {
    buffer.writeFrame(.goAway) { body in
      body.writeField(0, integer: code.rawValue)
      body.writeField(2, integer: lastStream)
      body.writeField(3, text: text)
    }
  }

  init(_ payload: ByteBuffer) throws(SessionFault) {
    self.init(.stop, "")
    var fields = FieldReader(payload)
    while let key = try fields.next() {
      switch key {
      case 0: code = Code(rawValue: try fields.integer(as: UInt16.self)) ?? .stop
      case 2: lastStream = try fields.integer(as: UInt64.self)
      case 3: text = try fields.text()
      default: try FieldReader.unknown(key)
      }
    }
  }
}
