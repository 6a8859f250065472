import Testing

@testable import RelayServer

/// Clients that are slow or silent, with small limits, and the drain.
@Suite("limits")
struct LimitTests {
  @Test("half a head is refused when its time is over, silence is closed without a word")
  func firstHead() async throws {
    try await withRelay(limits: "header_read_timeout_ms: 1000") { relay in
      let half = try await relay.client(greeting: "GET / HTTP/1.1\r\nHost: ")
      let silent = try await relay.client()
      let (answer, ending) = try await half.inbox.rest()
      #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
      #expect(answer.contains("Tunnel-Error: request-timeout\r\n") && ending == .end)
      #expect(try await silent.inbox.rest() == ("", .end))
    }
  }

  @Test("a connection that rests after an answer is closed without a word")
  func idle() async throws {
    try await withRelay(limits: "keep_alive_timeout_ms: 500") { relay in
      let client = try await relay.client()
      try await client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try await client.until("\r\n\r\nok\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(try await client.inbox.rest() == ("", .end))
    }
  }

  @Test("an app that takes its time is waited for")
  func slowApp() async throws {
    // Long enough that a busy machine's own pauses close nothing.
    try await withRelay(limits: "header_read_timeout_ms: 3000") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      let stream = try await agent.streams.next()
      // A connection that began later and was silent has been closed meanwhile.
      _ = try await relay.client().inbox.rest()
      stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await client.until("204 No Content\r\n\r\n")
    }
  }

  @Test("a relay that stops lets a running exchange end, and closes its connection then")
  func drain() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      let stream = try await agent.streams.next()
      _ = try await stream.until("\r\n\r\n")
      let idle = try await relay.client()
      try await idle.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try await idle.until("\r\n\r\nok\n")
      async let stopped: Void = relay.stop(grace: .seconds(30))
      #expect(try await agent.goAways.next().code == .drain)
      #expect(try await idle.inbox.rest() == ("", .end))
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", end: true)
      let answer = try await client.until("\r\n\r\nok")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("\r\nConnection: close\r\n"))
      await stopped
    }
  }

  @Test("what runs when the drain's time is over ends with it")
  func drainEnds() async throws {
    try await withRelay(limits: "drain_ms: 100") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      _ = try await agent.streams.next().until("\r\n\r\n")
      await relay.end(grace: nil)
      _ = try await agent.endings.next()
      #expect(try await client.inbox.rest().0.contains(" 200 ") == false)
    }
  }
}
