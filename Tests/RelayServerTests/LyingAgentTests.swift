import Testing
import TunnelCore

@testable import RelayServer

/// What an agent, or an app behind it, may send instead of one answer: the client never gets a
/// second response for it.
@Suite("agents that lie")
struct LyingAgentTests {
  private func request(_ relay: RunningRelay, _ line: String = "GET / HTTP/1.1") -> String {
    "\(line)\r\nHost: \(relay.host)\r\n\r\n"
  }

  /// What a client gets for a GET whose answer `lie` makes up, until its connection ends.
  private func got(
    _ relay: RunningRelay, _ agent: StandInAgent, _ lie: (StandInStream) -> Void
  ) async throws -> (text: String, ending: ByteInbox.Ending) {
    let client = try await relay.client()
    try await client.send(request(relay))
    let stream = try await agent.streams.next()
    _ = try await stream.until("\r\n\r\n")
    lie(stream)
    return try await client.inbox.rest()
  }

  private func isWell(_ relay: RunningRelay, _ agent: StandInAgent) async throws {
    let client = try await relay.client()
    try await client.send(request(relay))
    try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
    _ = try await client.until("204 No Content\r\n\r\n")
  }

  @Test(
    "only the relay says Tunnel-Error: an agent cannot, in an answer, an interim one or a trailer",
    arguments: [
      "HTTP/1.1 200 OK\r\nTunnel-Error: agent-offline\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\ntunnel-error: x\r\nTUNNEL-Error: y\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 103 Early Hints\r\nTunnel-Error: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "2\r\nok\r\n0\r\nTunnel-Error: x\r\n\r\n",
    ])
  func fakedRefusal(_ answer: String) async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(
        request(relay).replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n"))
      try await agent.streams.next().send(answer, end: true)
      let (text, _) = try await client.inbox.rest()
      #expect(text.hasPrefix("HTTP/1.1 "))
      #expect(!text.lowercased().contains("tunnel-error"))
    }
  }

  @Test("bytes behind the answer's end reach nobody, and the stream ends")
  func surplus() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(request(relay))
      let first = try await agent.streams.next()
      _ = try await first.until("\r\n\r\n")
      first.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
      )
      #expect(try await client.until("ok").hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(try await first.words.next() == .stop(.done))
      first.send("poison", end: true)
      try await client.send(request(relay, "GET /2 HTTP/1.1"))
      let second = try await agent.streams.next()
      second.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nn2", end: true)
      #expect(
        try await client.until("n2") == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nn2")
      #expect(try await agent.openStreams() == 0)
    }
  }

  @Test(
    "what is no answer becomes one refusal, and the connection goes on",
    arguments: [
      "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 200 OK\r\nhalf",
    ])
  func noAnswer(_ lie: String) async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(request(relay))
      let stream = try await agent.streams.next()
      _ = try await stream.until("\r\n\r\n")
      stream.send(lie, end: true)
      let answer = try await client.until("}\n")
      #expect(answer.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
      #expect(answer.contains("Tunnel-Error: upstream-invalid\r\n"))
      try await client.send(request(relay))
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      #expect(try await client.until("\r\n\r\n") == "HTTP/1.1 204 No Content\r\n\r\n")
    }
  }

  @Test("a broken chunk ends the connection inside the answer")
  func brokenChunk() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let (text, _) = try await got(relay, agent) {
        $0.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", end: true)
      }
      #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(!text.contains("502") && !text.hasSuffix("0\r\n\r\n"))
      try await isWell(relay, agent)
    }
  }

  @Test("a reset before the head is a refusal by its code")
  func resetBefore() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      for code in ["upstream-refused", "upstream-invalid", "upstream-timeout"] {
        try await client.send(request(relay))
        let stream = try await agent.streams.next()
        _ = try await stream.until("\r\n\r\n")
        switch code {
        case "upstream-refused": stream.reset(.upstreamRefused, "connection refused")
        case "upstream-invalid": stream.reset(.upstreamInvalid)
        default: stream.reset(.upstreamTimeout)
        }
        stream.stop(.cancelled)
        let answer = try await client.until("}\n")
        #expect(answer.contains("Tunnel-Error: \(code)\r\n"))
      }
      #expect(try await agent.openStreams() == 0)
    }
  }

  @Test("a reset inside an answer of a known length ends the connection")
  func resetInside() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(request(relay))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
      _ = try await client.until("\r\n\r\nhalf")
      stream.reset(.upstreamInvalid)
      #expect(try await client.inbox.rest().text == "")
      try await isWell(relay, agent)
    }
  }

  @Test("a reset inside an answer without a length resets the connection")
  func resetUntilClose() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(request(relay))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\n\r\nhalf")
      _ = try await client.until("half")
      stream.reset(.upstreamInvalid)
      #expect(try await client.inbox.rest().ending == .reset)
      try await isWell(relay, agent)
    }
  }

  @Test("an agent that vanishes is offline at once, what waits for it hears session-lost")
  func vanishes() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(request(relay))
      let stream = try await agent.streams.next()
      _ = try await stream.until("\r\n\r\n")
      try await agent.vanish()
      #expect(try await client.until("}\n").contains("Tunnel-Error: session-lost\r\n"))
      try await client.send(request(relay))
      #expect(try await client.until("}\n").contains("Tunnel-Error: agent-offline\r\n"))
    }
  }

  @Test("an agent cannot say Tunnel-Error")
  func pretends() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(request(relay))
      let stream = try await agent.streams.next()
      stream.send(
        "HTTP/1.1 503 No\r\nTunnel-Error: agent-offline\r\nContent-Length: 2\r\n\r\nno", end: true)
      #expect(try await client.until("\r\n\r\nno").contains("Tunnel") == false)
    }
  }
}
