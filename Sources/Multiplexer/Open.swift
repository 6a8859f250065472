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
    let clientLength = min(client.utf8.count, WireText.written)
    let hostLength = min(host.utf8.count, WireText.written)
    let optional = (deadline == 0 ? 0 : 12) &+ (held ? 4 : 0)
    let length = Self.fixedLength &+ clientLength &+ hostLength &+ optional
    buffer.writeFrameHeader(.open, stream: stream, length: length)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { memory in
      var pen = FieldPen(memory)
      pen.put(fieldHead(0, 16))
      pen.put(endpoint)
      pen.put(fieldHead(2, 8))
      pen.put(epoch)
      pen.put(fieldHead(4, 1))
      pen.put(kind.rawValue)
      pen.put(fieldHead(6, 1))
      pen.put(`class`.rawValue)
      pen.put(fieldHead(8, 16))
      pen.put(exchange)
      pen.put(fieldHead(10, clientLength))
      pen.put(client, clientLength)
      pen.put(fieldHead(12, 1))
      pen.put(secure ? 1 as UInt8 : 0)
      pen.put(fieldHead(14, hostLength))
      pen.put(host, hostLength)
      pen.put(fieldHead(16, 8))
      pen.put(receivedAt)
      if deadline != 0 {
        pen.put(fieldHead(18, 8))
        pen.put(deadline)
      }
      if held { pen.put(fieldHead(20, 0)) }
      return pen.count
    }
  }

  /// Nine field heads and the values of the fields that are always there and always as long.
  private static let fixedLength = 87

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
