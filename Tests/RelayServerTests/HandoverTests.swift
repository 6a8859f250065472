import Glibc
import Multiplexer
import RelayStore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// Two relays, one behind the other on the same socket and folder; here in one process.
@Suite("hand-over")
struct HandoverTests {
  private func inheritance(_ relay: RunningRelay) async throws -> (Wire, InheritedDescriptors) {
    let (wire, itsEnd) = try #require(Wire.pair())
    let listeners = relay.relay.listeners
    let sockets = try await relay.ask { _ in try Relay.sockets(listeners).map { dup($0) } }
    let lock = dup(relay.relay.lock.descriptor)
    return (wire, InheritedDescriptors(listeners: sockets, lock: lock, wire: itsEnd))
  }

  private func isLocked(_ relay: RunningRelay) -> Bool {
    do {
      _ = try DataLock(directory: relay.settings.dataDirectory)
      return false
    } catch {
      return true
    }
  }

  @Test(
    "old connections are answered through old links, new ones by the successor",
    .timeLimit(.minutes(1)))
  func handOver() async throws {
    try await withRelay { old in
      let agent = try await old.agent()
      let before = try await agent.serve(old.host)
      let kept = try await old.client()
      try await exchange(kept, agent, old.host, closes: false)
      let (wire, inherited) = try await inheritance(old)
      async let starting = old.next(inherited: inherited)
      #expect(await wire.hear(within: nil) == .said)
      // Nobody has let go yet: everything is as before.
      try await exchange(kept, agent, old.host, closes: false)
      async let over: Void = old.handOver { wire.say() }
      #expect(try await agent.goAways.next().code == .handover)
      let new = try await starting
      // The agent is not back: whoever is new waits for it.
      let fresh = try await new.client()
      try await fresh.send("GET /fresh HTTP/1.1\r\nHost: \(new.host)\r\n\r\n")
      while try await new.ask({ $0.hub.waitingNow }) != 1 { await Task.yield() }
      try await exchange(kept, agent, old.host, closes: true)
      #expect(try await kept.inbox.rest().1 == .end)
      await over
      _ = try await agent.endings.next()
      let back = try await StandInAgent.connect(
        port: new.port, token: new.ann.token, install: agent.install)
      #expect(try await back.serve(new.host) > before)
      let stream = try await back.streams.next()
      #expect(try await stream.until("\r\n\r\n").hasPrefix("GET /fresh HTTP/1.1\r\n"))
      stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await fresh.until("204 No Content\r\n\r\n")
      #expect(isLocked(new) && new.port == old.port)
      await new.end()
    }
  }

  @Test("a relay that hands over gives no endpoint away any more", .timeLimit(.minutes(1)))
  func noServes() async throws {
    try await withRelay { old in
      let agent = try await old.servingAgent()
      let stream = try await running(old, agent)
      async let over: Void = old.handOver {}
      #expect(try await agent.goAways.next().code == .handover)
      var serve = Serve(request: 9, wish: .domain(old.host))
      serve.heldEpoch = 1
      agent.send(.serve(serve))
      let endpoint = stream.1.open.endpoint
      agent.send(.stop(endpoint: endpoint))
      // Answered behind what came before it.
      stream.1.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await stream.0.until("204 No Content\r\n")
      await over
      #expect(agent.controls.waiting.isEmpty)
      let owner = try await old.store.owner(of: ID(endpoint))
      #expect(owner.epoch == Epoch(1))
    }
  }

  private func running(_ relay: RunningRelay, _ agent: StandInAgent) async throws
    -> (RawSocket, StandInStream)
  {
    let client = try await relay.client()
    try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
    return (client, try await agent.streams.next())
  }

  private func exchange(
    _ client: RawSocket, _ agent: StandInAgent, _ host: String, closes: Bool
  ) async throws {
    try await client.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
    let answer = try await client.until("\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
    #expect(answer.contains("Connection: close\r\n") == closes)
  }
}
