import HTTPMessage
import NIOCore

/// The words with which an agent's connection becomes a link (docs/protocol.md, "Handshake").
package enum Handshake {
  package static let path: StaticString = "/_tunnel/connect"
  package static let token = "tunnel/1"
  /// RFC 6455, section 4: the one version there is, and our name for what the messages hold.
  package static let webSocket = "websocket"
  package static let webSocketVersion = "13"
  package static let subprotocol = "tunnel.1"

  /// The relay's yes; frames may stand right behind it.
  package static func accepted(_ carrier: Carrier) -> String {
    let yes = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
    return switch carrier {
    case .raw: yes + "Upgrade: \(token)\r\n\r\n"
    case .webSocket(let key):
      yes + "Upgrade: \(webSocket)\r\nSec-WebSocket-Accept: \(key.accept)\r\n"
        + "Sec-WebSocket-Protocol: \(subprotocol)\r\n\r\n"
    }
  }

  /// The agent's request. The authtoken stands here and nowhere else.
  package static func request(
    _ carrier: Carrier = .raw, host: String, authtoken: String
  ) -> ByteBuffer {
    var head = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: Upgrade\r\n"
    switch carrier {
    case .raw: head += "Upgrade: \(token)\r\n"
    case .webSocket(let key):
      head += "Upgrade: \(webSocket)\r\nSec-WebSocket-Version: \(webSocketVersion)\r\n"
      head += "Sec-WebSocket-Key: \(key.text)\r\nSec-WebSocket-Protocol: \(subprotocol)\r\n"
    }
    return ByteBuffer(string: head + "Authorization: Bearer \(authtoken)\r\n\r\n")
  }

  /// Whether a 101 is the yes to what was asked (RFC 6455, section 4.1): something in the way may
  /// have switched to a protocol of its own. `bytes` begin with the head.
  package static func isAccepted(
    _ carrier: Carrier, by head: ResponseHead, in bytes: ByteBuffer
  ) -> Bool {
    func says(_ name: String, _ value: String?, anyCase: Bool = false) -> Bool {
      let values = head.fields.filter { bytes.text($0.name).lowercased() == name }
        .map { bytes.text($0.value) }
      guard let value else { return values.isEmpty }
      return values.count == 1 && (anyCase ? values[0].lowercased() : values[0]) == value
    }
    return switch carrier {
    case .raw: says("upgrade", token, anyCase: true)
    case .webSocket(let key):
      says("upgrade", webSocket, anyCase: true) && says("sec-websocket-accept", key.accept)
        && says("sec-websocket-protocol", subprotocol) && says("sec-websocket-extensions", nil)
    }
  }
}
