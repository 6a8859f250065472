import Crypto
import TunnelCore

/// The `Sec-WebSocket-Key` of a handshake: 16 bytes in Base64, as sent (RFC 6455, section 4.1).
/// It guards nothing: it proves that the other side read the request as a WebSocket's.
package struct WebSocketKey: Sendable, Equatable {
  package let text: String

  /// Nil for what is no Base64 of 16 bytes.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 24, bytes.suffix(2).elementsEqual("==".utf8),
      bytes.prefix(22).allSatisfy(Self.isDigit)
    else { return nil }
    self.text = text
  }

  private init(bytes: [UInt8]) { text = Base64.encode(bytes) }

  package static func random() -> WebSocketKey {
    WebSocketKey(bytes: (0..<16).map { _ in UInt8.random(in: .min ... .max) })
  }

  /// What `Sec-WebSocket-Accept` must say (RFC 6455, section 4.2.2).
  package var accept: String {
    let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return Base64.encode(Insecure.SHA1.hash(data: Array((text + guid).utf8)))
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2f: true
    default: false
    }
  }
}
