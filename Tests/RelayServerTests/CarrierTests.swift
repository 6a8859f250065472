import Multiplexer
import NIOCore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// A link inside a WebSocket: the handshake's answers, and an exchange through it.
@Suite("WebSocket login")
struct CarrierTests {
  private let key = "dGhlIHNhbXBsZSBub25jZQ=="

  private func head(_ relay: RunningRelay, _ fields: [String]) -> String {
    (["GET /_tunnel/connect HTTP/1.1", "Host: \(RunningRelay.base)"] + fields)
      .joined(separator: "\r\n") + "\r\n\r\n"
  }

  private func fields(
    _ relay: RunningRelay, upgrade: String = "websocket", version: String = "13",
    key: String? = nil, protocols: String = "tunnel.1"
  ) -> [String] {
    [
      "Connection: Upgrade", "Upgrade: \(upgrade)", "Sec-WebSocket-Version: \(version)",
      "Sec-WebSocket-Key: \(key ?? self.key)", "Sec-WebSocket-Protocol: \(protocols)",
      "Authorization: Bearer \(relay.ann.token.reveal())",
    ]
  }

  @Test("the answer to a browser's way of asking, byte for byte")
  func answer() async throws {
    try await withRelay { relay in
      let client = try await relay.client()
      try await client.send(
        head(relay, fields(relay, upgrade: "WebSocket", protocols: "chat, tunnel.1")))
      #expect(
        try await client.until("\r\n\r\n") == "HTTP/1.1 101 Switching Protocols\r\n"
          + "Connection: Upgrade\r\nUpgrade: websocket\r\n"
          + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
          + "Sec-WebSocket-Protocol: tunnel.1\r\n\r\n")
      try await client.close()
    }
  }

  @Test("another version is 426 with what is spoken, a faulty handshake 400, a stranger 401")
  func refusals() async throws {
    try await withRelay { relay in
      func ask(_ fields: [String]) async throws -> String {
        let client = try await relay.client()
        try await client.send(head(relay, fields))
        let answer = try await client.until("\"instance\"")
        try await client.close()
        return answer
      }
      for version in ["8", "13, 8", ""] {
        let answer = try await ask(fields(relay, version: version))
        #expect(answer.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"), "\(version)")
        #expect(answer.contains("Tunnel-Error: agent-too-old\r\n"))
        #expect(answer.contains("Upgrade: tunnel/1, websocket\r\nConnection: Upgrade\r\n"))
        #expect(answer.contains("Sec-WebSocket-Version: 13\r\n"))
      }
      for wrong in [
        fields(relay, protocols: "chat"), fields(relay, protocols: ""), fields(relay, key: "abc"),
        fields(relay, key: ""), fields(relay) + ["Sec-WebSocket-Key: \(key)"],
        fields(relay).filter { !$0.contains("Key") },
      ] {
        let answer = try await ask(wrong)
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(wrong)")
        #expect(answer.contains("Tunnel-Error: bad-request\r\n"))
      }
      for other in ["tunnel/9", "h2c"] {
        #expect(try await ask(fields(relay, upgrade: other)).hasPrefix("HTTP/1.1 426 "))
      }
      let stranger = fields(relay).dropLast() + ["Authorization: Bearer tun_nobody"]
      #expect(try await ask(Array(stranger)).hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
      let nobody = try await ask(Array(fields(relay).dropLast()))
      #expect(nobody.contains("Tunnel-Error: authtoken-missing\r\n"))
    }
  }

  @Test("an exchange goes through, with bodies larger than any message")
  func exchange() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent(over: .webSocket(.random()))
      let body = String(repeating: "abcdefghijklmnopqrstuvwxyz", count: 12_000)
      let client = try await relay.client()
      client.push(
        "POST /x HTTP/1.1\r\nHost: \(relay.host)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
          + body)
      let stream = try await agent.streams.next()
      #expect(try await stream.until("\r\n\r\n").hasPrefix("POST /x HTTP/1.1\r\n"))
      #expect(try await stream.inbox.rest() == (body, .end))
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body, end: true)
      _ = try await client.until("\r\n\r\n")
      #expect(try await client.inbox.count(body.utf8.count) == body)
      try await agent.vanish()
    }
  }

  @Test("what an agent says right behind its handshake, in the same packet, is heard")
  func rightBehind() async throws {
    try await withRelay { relay in
      let id = ID.fresh().wire
      var machine = Session(
        role: .agent, hello: Hello(streamLimit: 8, install: id, instance: id, clock: 0, label: ""))
      machine.send(.serve(Serve(request: 7, wish: .domain(relay.host))))
      var bytes = ByteBuffer(string: head(relay, fields(relay)))
      while let frames = machine.nextOutput() {
        // Masked with zeros: a mask nevertheless (RFC 6455, section 5.3).
        bytes.writeBytes([0x82, 0xfe])
        bytes.writeInteger(UInt16(frames.readableBytes))
        bytes.writeBytes([0, 0, 0, 0])
        bytes.writeImmutableBuffer(frames)
      }
      let client = try await relay.client()
      try await client.channel.writeAndFlush(bytes)
      _ = try await client.until("Sec-WebSocket-Protocol: tunnel.1\r\n\r\n")
      // The URL stands in `serving`, the relay's answer to what came behind the head.
      _ = try await client.until(relay.url)
      try await client.close()
    }
  }

  @Test("the relay's goodbye arrives before the end")
  func goodbye() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent(over: .webSocket(.random()))
      await relay.stop()
      #expect(try await agent.goAways.next().code == .drain)
      #expect(try await agent.endings.next() == .closed)
    }
  }
}
