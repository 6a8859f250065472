import NIOCore
import Testing
import TunnelCore

@testable import RelayServer

/// Bodies that stop, answers that nobody takes, connections that are too many: with small limits.
@Suite("slow clients")
struct SlowClientTests {
  private func post(_ relay: RunningRelay, _ fields: String = "") -> String {
    "POST / HTTP/1.1\r\nHost: \(relay.host)\r\nContent-Length: 10\r\n\(fields)\r\n"
  }

  @Test("a body that stops is refused when its time is over, and the app's side is cancelled")
  func bodyStops() async throws {
    try await withRelay(limits: "body_read_timeout_ms: 300") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(post(relay) + "half")
      let stream = try await agent.streams.next()
      _ = try await stream.until("half")
      let (answer, ending) = try await client.inbox.rest()
      #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
      #expect(answer.contains("Tunnel-Error: request-timeout\r\n") && ending == .end)
      #expect(try await stream.words.next() == .stop(.cancelled))
    }
  }

  // 3 s where nothing is to be late: long enough for a busy machine's own pauses.

  @Test("once the app has begun to answer, a body may take its time")
  func answered() async throws {
    try await withRelay(limits: "body_read_timeout_ms: 3000") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(post(relay) + "half")
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      _ = try await client.until("\r\n\r\n")
      // Another one that began later is refused meanwhile.
      let other = try await relay.client()
      try await other.send(post(relay))
      #expect(try await other.inbox.rest().text.hasPrefix("HTTP/1.1 408 "))
      stream.send("2\r\nok\r\n0\r\n\r\n", end: true)
      _ = try await client.until("2\r\nok\r\n0\r\n\r\n")
    }
  }

  @Test("a client that waits for 100 is not late before the app has said it, and is after")
  func expectation() async throws {
    try await withRelay(limits: "body_read_timeout_ms: 300") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(post(relay, "Expect: 100-continue\r\n"))
      let stream = try await agent.streams.next()
      let other = try await relay.client()
      try await other.send(post(relay))
      #expect(try await other.inbox.rest().text.hasPrefix("HTTP/1.1 408 "))
      stream.send("HTTP/1.1 100 Continue\r\n\r\n")
      #expect(try await client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      #expect(try await client.inbox.rest().text.hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test("while the app takes no more of a body, its client is not late")
  func noRoom() async throws {
    try await withRelay(limits: "body_read_timeout_ms: 3000") { relay in
      let agent = try await relay.servingAgent()
      agent.takesNothing()
      let client = try await relay.client()
      try await client.send(
        "POST / HTTP/1.1\r\nHost: \(relay.host)\r\nContent-Length: 1000000\r\n\r\n")
      client.push(String(repeating: "x", count: 999_990))
      let stream = try await agent.streams.next()
      _ = try await stream.inbox.count(65_000)
      let other = try await relay.client()
      try await other.send(post(relay))
      #expect(try await other.inbox.rest().text.hasPrefix("HTTP/1.1 408 "))
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", end: true)
      #expect(try await client.until("\r\n\r\nok").hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
  }

  private static let piece = String(repeating: "x", count: 64 << 10)

  @Test("an answer that its client does not take ends with the connection, alone")
  func writeStalls() async throws {
    try await withRelay(limits: "client_write_timeout_ms: 300") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client(reads: false, window: 4_096)
      try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
      for _ in 0..<100 { stream.send(Self.piece) }
      #expect(try await stream.words.next() == .stop(.cancelled))
      let other = try await relay.client()
      try await other.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await other.until("204 No Content\r\n\r\n")
    }
  }

  @Test("after 101 a client may take its time")
  func raw() async throws {
    try await withRelay(limits: "client_write_timeout_ms: 300") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client(reads: false, window: 4_096)
      let upgrade =
        "GET / HTTP/1.1\r\nHost: \(relay.host)\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
      try await client.send(upgrade)
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
      for _ in 0..<100 { stream.send(Self.piece) }
      // A plain answer that stalls beside it is over first.
      let other = try await relay.client(reads: false, window: 4_096)
      try await other.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      let plain = try await agent.streams.next()
      plain.send("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
      for _ in 0..<100 { plain.send(Self.piece) }
      #expect(try await plain.words.next() == .stop(.cancelled))
      stream.send("END", end: true)
      try await client.read()
      // What is left behind these is short, for the head counts too.
      _ = try await client.inbox.count(100 * Self.piece.utf8.count)
      _ = try await client.until("xEND")
    }
  }

  @Test("a connection too many is closed at once, those inside go on, one that leaves makes room")
  func full() async throws {
    try await withRelay(limits: "connections: 2") { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      let stream = try await agent.streams.next()
      let third = try await relay.client()
      let (text, _) = try await third.inbox.rest()
      #expect(text == "")
      stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await client.until("204 No Content\r\n\r\n")
      try await client.close()
      let next = try await entered(relay)
      try await next.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await next.until("204 No Content\r\n\r\n")
    }
  }

  /// A connection that is let in, once the relay has seen the end of another.
  private func entered(_ relay: RunningRelay) async throws -> RawSocket {
    while true {
      let client = try await relay.client()
      try await client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      if (try? await client.until("\r\n\r\nok\n")) != nil { return client }
    }
  }

  @Test("streams_per_session bounds what is open at once on a tunnel")
  func streams() async throws {
    try await withRelay(limits: "streams_per_session: 1") { relay in
      let agent = try await relay.servingAgent()
      let first = try await relay.client()
      try await first.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      let stream = try await agent.streams.next()
      let second = try await relay.client()
      try await second.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
      #expect(try await second.until("}\n").contains("Tunnel-Error: overloaded\r\n"))
      stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await first.until("204 No Content\r\n\r\n")
    }
  }
}
