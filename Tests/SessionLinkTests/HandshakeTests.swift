import HTTPMessage
import NIOCore
import Testing

@testable import SessionLink

/// The words of both carriers, and which 101 is the yes to them.
@Suite("handshake")
struct HandshakeTests {
  private static let example = "dGhlIHNhbXBsZSBub25jZQ=="

  @Test("the accept value of RFC 6455's example")
  func accept() throws {
    let key = try #require(WebSocketKey(Self.example))
    #expect(key.accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test("a key is Base64 of 16 bytes, and each its own")
  func keys() {
    let wrongs = [
      "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j ZQ==", "dGhlIHNhbXBsZSBub25jZQ=x",
      "dGhlIHNhbXBsZSBub25jZQA=", "dGhlIHNhbXBs-SBub25jZQ==",
    ]
    for wrong in wrongs { #expect(WebSocketKey(wrong) == nil, "\(wrong)") }
    let keys = (0..<10).map { _ in WebSocketKey.random().text }
    #expect(Set(keys).count == 10)
    for key in keys { #expect(WebSocketKey(key) != nil, "\(key)") }
  }

  @Test("the requests, byte for byte")
  func requests() throws {
    let key = try #require(WebSocketKey(Self.example))
    let raw = Handshake.request(.raw, host: "tunnel.example", authtoken: "tun_x")
    #expect(
      String(buffer: raw) == "GET /_tunnel/connect HTTP/1.1\r\nHost: tunnel.example\r\n"
        + "Connection: Upgrade\r\nUpgrade: tunnel/1\r\nAuthorization: Bearer tun_x\r\n\r\n")
    let webSocket = Handshake.request(.webSocket(key), host: "tunnel.example", authtoken: "tun_x")
    #expect(
      String(buffer: webSocket) == "GET /_tunnel/connect HTTP/1.1\r\nHost: tunnel.example\r\n"
        + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: \(Self.example)\r\nSec-WebSocket-Protocol: tunnel.1\r\n"
        + "Authorization: Bearer tun_x\r\n\r\n")
  }

  private func isAccepted(_ carrier: Carrier, _ text: String) throws -> Bool {
    var reader = ResponseReader()
    reader.expect(RequestContext(upgrade: true))
    let bytes = ByteBuffer(string: text)
    guard case .switched = try reader.next(in: bytes) else { return false }
    return Handshake.isAccepted(carrier, by: reader.head, in: bytes)
  }

  @Test("each carrier takes its own yes, and not the other's")
  func accepts() throws {
    let webSocket = Carrier.webSocket(.random())
    for asked in [.raw, webSocket] {
      for said in [.raw, webSocket, .webSocket(.random())] {
        #expect(try isAccepted(asked, Handshake.accepted(said)) == (asked == said))
      }
    }
  }

  @Test("names' and protocol's case is free; extensions, two answers and others' words are no yes")
  func near() throws {
    let key = WebSocketKey.random()
    let yes = Handshake.accepted(.webSocket(key)).dropLast()  // CRLF is one character
    let carrier = Carrier.webSocket(key)
    #expect(try isAccepted(carrier, yes.replacing("websocket", with: "WebSocket") + "\r\n"))
    #expect(try isAccepted(carrier, yes.replacing("Sec-WebSocket", with: "sec-websocket") + "\r\n"))
    #expect(try !isAccepted(carrier, yes + "Sec-WebSocket-Extensions: x\r\n\r\n"))
    #expect(try !isAccepted(carrier, yes + "Sec-WebSocket-Accept: \(key.accept)\r\n\r\n"))
    #expect(try !isAccepted(carrier, yes.replacing("tunnel.1", with: "chat") + "\r\n"))
  }
}
