import NIOCore

/// The words with which an agent's connection becomes a link (docs/protocol.md, "Handshake").
package enum Handshake {
  package static let path: StaticString = "/_tunnel/connect"
  package static let token = "tunnel/1"

  /// The relay's yes; frames may stand right behind it.
  package static let accepted =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: \(token)\r\n\r\n"

  /// The agent's request. The authtoken stands here and nowhere else.
  package static func request(host: String, authtoken: String) -> ByteBuffer {
    ByteBuffer(
      string: "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: Upgrade\r\n"
        + "Upgrade: \(token)\r\nAuthorization: Bearer \(authtoken)\r\n\r\n")
  }
}
