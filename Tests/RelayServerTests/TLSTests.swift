import Multiplexer
import NIOCore
import NIOSSL
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// The listener with a certificate: what is the same as without, and what TLS adds.
@Suite("TLS listener")
struct TLSTests {
  private func get(_ relay: RunningRelay, _ more: String = "") -> String {
    "GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\(more)\r\n"
  }

  @Test("an exchange passes, and all that is said of it says https")
  func exchange() async throws {
    try await withRelay(isSecure: true) { relay in
      let agent = try await relay.agent()
      agent.send(.serve(Serve(request: 7, wish: .domain(relay.host))))
      guard case .serving(_, _, _, let url, _) = try await agent.controls.next() else {
        Issue.record("not serving")
        return
      }
      #expect(url == relay.url && url.hasPrefix("https://"))
      let client = try await relay.secureClient()
      #expect(try await client.handshake.next() == "http/1.1")
      for _ in 0..<2 {
        try await client.send(get(relay, "X-Forwarded-Proto: http\r\n"))
        let stream = try await agent.streams.next()
        #expect(stream.open.secure && stream.open.client == "127.0.0.1")
        let head = try await stream.until("\r\n\r\n")
        #expect(
          head.hasSuffix("X-Forwarded-Proto: https\r\nX-Forwarded-Host: \(relay.host)\r\n\r\n"))
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", end: true)
        #expect(
          try await client.until("\r\n\r\nok") == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      }
      try await client.close()
    }
  }

  @Test("large bodies pass both ways, whatever carries the link")
  func large() async throws {
    try await withRelay(isSecure: true) { relay in
      let body = String(repeating: "0123456789abcdef", count: 200_000)
      for carrier in [Carrier.raw, .webSocket(.random())] {
        let agent = try await relay.servingAgent(over: carrier)
        let client = try await relay.secureClient()
        client.push(
          "POST / HTTP/1.1\r\nHost: \(relay.host)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            + body)
        let stream = try await agent.streams.next()
        _ = try await stream.until("\r\n\r\n")
        #expect(try await stream.inbox.rest() == (body, .end))
        stream.send(
          "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body, end: true)
        _ = try await client.until("\r\n\r\n")
        #expect(try await client.inbox.count(body.utf8.count) == body)
        try await client.close()
        try await agent.vanish()
      }
    }
  }

  @Test("what an agent says right behind its handshake, in the same packet, is heard")
  func rightBehind() async throws {
    try await withRelay(isSecure: true) { relay in
      let id = ID.fresh().wire
      var machine = Session(
        role: .agent, hello: Hello(streamLimit: 8, install: id, instance: id, clock: 0, label: ""))
      machine.send(.serve(Serve(request: 7, wish: .domain(relay.host))))
      var bytes = Handshake.request(
        .raw, host: RunningRelay.base, authtoken: relay.ann.token.reveal())
      while let frames = machine.nextOutput() { bytes.writeImmutableBuffer(frames) }
      let client = try await relay.secureClient()
      try await client.channel.writeAndFlush(bytes)
      #expect(try await client.until("\r\n\r\n") == Handshake.accepted(.raw))
      // The URL stands in `serving`, the relay's answer to what came behind the head.
      _ = try await client.until(relay.url)
      try await client.close()
    }
  }

  // MARK: - Ends

  @Test("a client that ends its half behind a request gets the whole answer, and a proper end")
  func halfClose() async throws {
    try await withRelay(isSecure: true) { relay in
      let agent = try await relay.servingAgent()
      for says in [true, false] {
        let client = try await relay.secureClient()
        try await client.send(get(relay))
        if says { try await client.endOutput() } else { try await client.breakOutput() }
        let stream = try await agent.streams.next()
        let body = String(repeating: "x", count: 300_000)
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body, end: true)
        let (answer, ending) = try await client.inbox.rest()
        #expect(answer.hasSuffix("\r\n\r\n" + body), "close_notify: \(says)")
        #expect(ending == .end, "close_notify: \(says)")
      }
    }
  }

  @Test("an answer that lasts until the connection closes ends with a close_notify")
  func untilClose() async throws {
    try await withRelay(isSecure: true) { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.secureClient()
      try await client.send(get(relay))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\n\r\nhello", end: true)
      let (answer, ending) = try await client.inbox.rest()
      #expect(answer.hasSuffix("\r\n\r\nhello") && ending == .end)
    }
  }

  @Test("an answer that broke off before its end by closing does not look whole")
  func broken() async throws {
    try await withRelay(isSecure: true) { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.secureClient()
      try await client.send(get(relay))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\n\r\nhello")
      _ = try await client.until("hello")
      stream.reset(.cancelled)
      let (_, ending) = try await client.inbox.rest()
      #expect(ending != .end)
    }
  }

  @Test("a switched connection passes each side's end, whichever comes first")
  func switched() async throws {
    try await withRelay(isSecure: true) { relay in
      let agent = try await relay.servingAgent()
      for clientEndsFirst in [true, false] {
        let client = try await relay.secureClient()
        try await client.send(get(relay, "Connection: Upgrade\r\nUpgrade: x\r\n"))
        let stream = try await agent.streams.next()
        _ = try await stream.until("\r\n\r\n")
        stream.send("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfrom the app")
        _ = try await client.until("from the app")
        if clientEndsFirst {
          try await client.send("from the client")
          try await client.endOutput()
          #expect(try await stream.inbox.rest() == ("from the client", .end))
          stream.send("last", end: true)
          #expect(try await client.inbox.rest() == ("last", .end))
        } else {
          stream.send("last", end: true)
          #expect(try await client.inbox.rest() == ("last", .end))
          client.push("from the client")
          try? await client.channel.close(mode: .output)
          #expect(try await stream.inbox.rest() == ("from the client", .end))
        }
      }
    }
  }

  // MARK: - Strangers

  @Test("a handshake has its time, silence and half a hello end without a word")
  func slowHandshake() async throws {
    try await withRelay(limits: "tls_handshake_timeout_ms: 300", isSecure: true) { relay in
      let silent = try await relay.client()
      let half = try await relay.client()
      try await half.channel.writeAndFlush(ByteBuffer(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
      #expect(try await silent.inbox.rest() == ("", .end))
      #expect(try await half.inbox.rest() == ("", .end))
    }
  }

  @Test("after the handshake the head has its own time, and idle connections theirs")
  func slowHead() async throws {
    let limits = "header_read_timeout_ms: 2000, keep_alive_timeout_ms: 300"
    try await withRelay(limits: limits, isSecure: true) { relay in
      let silent = try await relay.secureClient()
      #expect(try await silent.inbox.rest() == ("", .end))
      let idle = try await relay.secureClient()
      try await idle.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try await idle.until("\r\n\r\nok\n")
      #expect(try await idle.inbox.rest() == ("", .end))
    }
  }

  @Test("plain HTTP is told so, in plain HTTP")
  func plain() async throws {
    try await withRelay(isSecure: true) { relay in
      let client = try await relay.client()
      try await client.send(get(relay))
      let (answer, ending) = try await client.inbox.rest()
      #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && ending == .end)
      #expect(answer.contains("Tunnel-Error: bad-request\r\n") && answer.contains("https://"))
    }
  }

  @Test("with --plain-http one port answers both, and each exchange says which it was")
  func both() async throws {
    let change: @Sendable (inout ServeOptions) -> Void = { $0.plainHTTP = true }
    try await withRelay(isSecure: true, change: change) { relay in
      let agent = try await relay.servingAgent(over: .raw)
      let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      let plain = try await relay.client()
      try await plain.send(get(relay))
      var stream = try await agent.streams.next()
      #expect(try await stream.until("\r\n\r\n").contains("X-Forwarded-Proto: http\r\n"))
      stream.send(answer, end: true)
      #expect(try await plain.until("\r\n\r\nok") == answer)
      let secure = try await relay.secureClient()
      try await secure.send(get(relay))
      stream = try await agent.streams.next()
      #expect(try await stream.until("\r\n\r\n").contains("X-Forwarded-Proto: https\r\n"))
      stream.send(answer, end: true)
      #expect(try await secure.until("\r\n\r\nok") == answer)
    }
  }

  @Test("TLS 1.2 is spoken, 1.1 is not, nor is garbage; the next client is served")
  func versions() async throws {
    try await withRelay(isSecure: true) { relay in
      for (version, works) in [(TLSVersion.tlsv12, true), (.tlsv11, false)] {
        var settings = try TLSConfiguration.forTests
        settings.minimumTLSVersion = .tlsv1
        settings.maximumTLSVersion = version
        let client = try await relay.secureClient(settings)
        #expect(try await client.handshake.next() == (works ? "http/1.1" : nil))
        if works { try await client.close() }
      }
      let garbage = try await relay.client()
      try await garbage.channel.writeAndFlush(ByteBuffer(repeating: 0xff, count: 500))
      _ = try await garbage.inbox.rest()
      let client = try await relay.secureClient()
      #expect(try await client.handshake.next() == "http/1.1")
      try await client.close()
    }
  }

  @Test("HTTP/2 is preferred by whoever offers both")
  func offers() async throws {
    try await withRelay(isSecure: true) { relay in
      for offer in [["h2", "http/1.1"], ["http/1.1", "h2"], ["h2"]] {
        var settings = try TLSConfiguration.forTests
        settings.applicationProtocols = offer
        let client = try await relay.secureClient(settings)
        #expect(try await client.handshake.next() == "h2")
        try await client.close()
      }
    }
  }
}
