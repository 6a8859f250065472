import struct NIOCore.ByteBuffer

/// What the opener of a stream says of it, before any byte.
package struct Open: Equatable, Sendable {
  package enum Kind: UInt8, Sendable {
    case http = 0
    case tcp = 1
    case delivery = 2
    case api = 3
  }

  /// What the stream carries, for turns and for the inbox.
  package enum Class: UInt8, Sendable {
    case live = 0
    case bulk = 1
    case delivery = 2
  }

  package var endpoint: WireID
  /// The owner's epoch that the relay believes in; an agent refuses an older one.
  package var epoch: UInt64
  package var kind: Kind
  package var `class`: Class = .live
  package var exchange: WireID
  /// The public peer's address as text.
  package var client: String
  package var secure: Bool
  /// The host that the client asked for.
  package var host: String
  /// Wall clock in milliseconds since 1970.
  package var receivedAt: UInt64
  /// The same clock; 0 is none.
  package var deadline: UInt64 = 0
  /// The agent must ask by COMMIT before the first byte enters the app's socket.
  package var held: Bool = false

  package init(
    endpoint: WireID, epoch: UInt64, kind: Kind, exchange: WireID, client: String,
    secure: Bool, host: String, receivedAt: UInt64
  ) {
    self.endpoint = endpoint
    self.epoch = epoch
    self.kind = kind
    self.exchange = exchange
    self.client = client
    self.secure = secure
    self.host = host
    self.receivedAt = receivedAt
  }

  func write(to buffer: inout ByteBuffer, stream: UInt64) {
    buffer.writeFrame(.open, stream: stream) { body in
      body.writeField(0, id: endpoint)
      body.writeField(2, integer: epoch)
      body.writeField(4, integer: kind.rawValue)
      body.writeField(6, integer: `class`.rawValue)
      body.writeField(8, id: exchange)
      body.writeField(10, text: client)
      body.writeField(12, integer: secure ? UInt8(1) : 0)
      body.writeField(14, text: host)
      body.writeField(16, integer: receivedAt)
      if deadline != 0 { body.writeField(18, integer: deadline) }
      if held { body.writeField(20) }
    }
  }

  init(_ payload: ByteBuffer) throws(SessionFault) {
    let none = WireID(high: 0, low: 0)
    self.init(
      endpoint: none, epoch: 0, kind: .http, exchange: none, client: "", secure: false,
      host: "", receivedAt: 0)
    var fields = FieldReader(payload)
    while let (key, value) = try fields.next() {
      switch key {
      case 0: endpoint = try value.wholeID()
      case 2: epoch = try value.wholeInteger(as: UInt64.self)
      case 4:
        guard let known = Kind(rawValue: try value.wholeInteger(as: UInt8.self))
        else { throw .peer(.badFields) }
        kind = known
      case 6:
        guard let known = Class(rawValue: try value.wholeInteger(as: UInt8.self))
        else { throw .peer(.badFields) }
        `class` = known
      case 8: exchange = try value.wholeID()
      case 10: client = try value.wholeText()
      case 12: secure = try value.wholeInteger(as: UInt8.self) != 0
      case 14: host = try value.wholeText()
      case 16: receivedAt = try value.wholeInteger(as: UInt64.self)
      case 18: deadline = try value.wholeInteger(as: UInt64.self)
      case 20: held = true
      default: try FieldReader.unknown(key)
      }
    }
  }
}
