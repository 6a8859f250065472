import NIOCore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// Requests that wait for an agent which the relay's own end sent away.
@Suite("waiting for an agent")
struct WaitingTests {
  /// Longer than any test: whoever is answered was not waiting.
  private let long = "agent_wait_ms: 600000"

  /// A relay that starts where another served ann's domain to its end.
  private func afterRestart(
    limits: String, before: (RunningRelay, StandInAgent) async throws -> Void = { _, _ in },
    _ body: (RunningRelay, StandInAgent) async throws -> Void
  ) async throws {
    try await withRelay(limits: limits) { first in
      let agent = try await first.servingAgent()
      try await before(first, agent)
      await first.end()
      let second = try await first.next()
      do {
        try await body(second, agent)
      } catch {
        await second.end()
        throw error
      }
      await second.end()
    }
  }

  private func get(_ relay: RunningRelay, _ path: String) -> String {
    "GET /\(path) HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n"
  }

  /// Returns once so many wait.
  private func waits(_ count: Int, _ relay: RunningRelay) async throws {
    while try await relay.ask({ $0.hub.waitingNow }) != count { await Task.yield() }
  }

  @Test("they go as soon as the agent serves again, in their order", .timeLimit(.minutes(1)))
  func order() async throws {
    try await afterRestart(limits: long) { relay, _ in
      var clients: [RawSocket] = []
      for number in 0..<4 {
        let client = try await relay.client()
        try await client.send(get(relay, "\(number)"))
        try await waits(number + 1, relay)
        clients.append(client)
      }
      // One more on the first connection: it waits behind the one before it.
      try await clients[0].send(get(relay, "behind"))
      let agent = try await relay.servingAgent()
      for (number, client) in clients.enumerated() {
        let stream = try await agent.streams.next()
        #expect(try await stream.until("\r\n\r\n").hasPrefix("GET /\(number) HTTP/1.1\r\n"))
        stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
        _ = try await client.until("204 No Content\r\n\r\n")
      }
      let last = try await agent.streams.next()
      #expect(try await last.until("\r\n\r\n").hasPrefix("GET /behind HTTP/1.1\r\n"))
      #expect(try await relay.ask { $0.hub.waitingNow } == 0)
    }
  }

  @Test("a body comes whole, however little of it was read before", .timeLimit(.minutes(1)))
  func body() async throws {
    try await afterRestart(limits: long) { relay, _ in
      let client = try await relay.client()
      let head = "POST / HTTP/1.1\r\nHost: \(relay.host)\r\nContent-Length: 300000\r\n\r\n"
      try await client.send(head + "first")
      try await waits(1, relay)
      async let sent: Void = client.send(String(repeating: "x", count: 299_991) + "last")
      let agent = try await relay.servingAgent()
      let stream = try await agent.streams.next()
      let got = try await stream.until("xlast")
      #expect(got.hasSuffix("\r\n\r\nfirst" + String(repeating: "x", count: 299_991) + "last"))
      try await sent
    }
  }

  @Test("if nobody comes in time they are refused, and later ones at once", .timeLimit(.minutes(1)))
  func inVain() async throws {
    try await afterRestart(limits: "agent_wait_ms: 200") { relay, _ in
      let client = try await relay.client()
      try await client.send(get(relay, "1"))
      let answer = try await client.until("}\n")
      #expect(answer.contains("Tunnel-Error: agent-offline\r\n"))
      #expect(answer.contains("Retry-After: 5\r\n"))
      let name = try DomainName(relay.host)
      let mayWait = try await relay.ask { core in
        core.hub.mayWait(for: try #require(core.hub.endpoint(name)))
      }
      #expect(!mayWait)
    }
  }

  @Test("an agent that left, or was lost, before the relay ended is not awaited")
  func notAwaited() async throws {
    for leaves in [true, false] {
      let before = { (relay: RunningRelay, agent: StandInAgent) in
        if leaves { agent.goAway() } else { try await agent.vanish() }
        let name = try DomainName(relay.host)
        while try await relay.store.directory().hosts[name]?.servedIn != nil {
          await Task.yield()
        }
      }
      try await afterRestart(limits: long, before: before) { relay, _ in
        let client = try await relay.client()
        try await client.send(get(relay, "1"))
        #expect(try await client.until("}\n").contains("Tunnel-Error: agent-offline\r\n"))
      }
    }
  }

  @Test("once it has served again, an agent that is lost is offline at once")
  func lostLater() async throws {
    try await afterRestart(limits: long) { relay, _ in
      let agent = try await relay.servingAgent()
      try await agent.vanish()
      let client = try await relay.client()
      // Before the relay has seen it go: the exchange is lost with it.
      try await client.send(get(relay, "1"))
      let answer = try await client.until("}\n")
      #expect(answer.contains("agent-offline") || answer.contains("session-lost"))
    }
  }

  @Test(
    "a client that leaves is forgotten, by a reset or in order", .timeLimit(.minutes(1)),
    arguments: [true, false])
  func forgotten(resets: Bool) async throws {
    try await afterRestart(limits: long) { relay, _ in
      let client = try await relay.client()
      try await client.send(get(relay, "gone") + get(relay, "behind"))
      try await waits(1, relay)
      if resets { try await client.reset() } else { try await client.close() }
      try await waits(0, relay)
      let agent = try await relay.servingAgent()
      let other = try await relay.client()
      try await other.send(get(relay, "other"))
      let stream = try await agent.streams.next()
      #expect(try await stream.until("\r\n\r\n").hasPrefix("GET /other HTTP/1.1\r\n"))
    }
  }

  @Test("more than may wait are refused at once", .timeLimit(.minutes(1)))
  func tooMany() async throws {
    try await afterRestart(limits: long) { relay, _ in
      let waiting = try await relay.client()
      try await waiting.send(get(relay, "1"))
      try await waits(1, relay)
      let name = try DomainName(relay.host)
      let may = try await relay.ask { core in
        let endpoint = try #require(core.hub.endpoint(name))
        let one = endpoint.waiting
        var answers = [core.hub.mayWait(for: endpoint)]
        core.hub.waitingNow = Hub.waitingInAll
        answers.append(core.hub.mayWait(for: endpoint))
        core.hub.waitingNow = 1
        endpoint.waiting = Array(repeating: one[0], count: Hub.waitingForOne)
        answers.append(core.hub.mayWait(for: endpoint))
        endpoint.waiting = one
        return answers
      }
      #expect(may == [true, false, false])
    }
  }

  @Test("a relay that ends answers those who wait")
  func drained() async throws {
    try await afterRestart(limits: long) { relay, _ in
      let client = try await relay.client()
      try await client.send(get(relay, "1"))
      try await waits(1, relay)
      await relay.end(grace: .seconds(30))
      let answer = try await client.until("}\n")
      #expect(answer.contains("Tunnel-Error: agent-offline\r\n"))
      #expect(answer.contains("Connection: close\r\n"))
    }
  }
}
