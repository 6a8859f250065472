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

  /// Writes neighbours together: the buffer's work for each call was most of an OPEN's cost.
  func write(to buffer: inout ByteBuffer, stream: UInt64) {
    let clientLength = min(client.utf8.count, WireText.written)
    let hostLength = min(host.utf8.count, WireText.written)
    buffer.writeFrame(.open, stream: stream) { body in
      body.writeMultipleIntegers(
        fieldHead(0, 16), endpoint.high, endpoint.low, fieldHead(2, 8), epoch,
        fieldHead(4, 1), kind.rawValue, fieldHead(6, 1), `class`.rawValue,
        fieldHead(8, 16), exchange.high, exchange.low, fieldHead(10, clientLength))
      body.writeText(client)
      body.writeMultipleIntegers(
        fieldHead(12, 1), secure ? 1 as UInt8 : 0, fieldHead(14, hostLength))
      body.writeText(host)
      body.writeMultipleIntegers(fieldHead(16, 8), receivedAt)
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
    while let key = try fields.next() {
      switch key {
      case 0: endpoint = try fields.id()
      case 2: epoch = try fields.integer(as: UInt64.self)
      case 4:
        guard let known = Kind(rawValue: try fields.integer(as: UInt8.self))
        else { throw .peer(.badFields) }
        kind = known
      case 6:
        guard let known = Class(rawValue: try fields.integer(as: UInt8.self))
        else { throw .peer(.badFields) }
        `class` = known
      case 8: exchange = try fields.id()
      case 10: client = try fields.text()
      case 12: secure = try fields.integer(as: UInt8.self) != 0
      case 14: host = try fields.text()
      case 16: receivedAt = try fields.integer(as: UInt64.self)
      case 18: deadline = try fields.integer(as: UInt64.self)
      case 20: held = true
      default: try FieldReader.unknown(key)
      }
    }
  }
}
