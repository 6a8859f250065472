import Glibc
import Multiplexer
import NIOCore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// A TCP endpoint between a client's socket and an agent's stream.
@Suite("TCP endpoints")
struct TCPEndpointTests {
  /// A port that nobody has, as `--tcp-ports` takes it.
  /// Below those that the system gives away by itself: no other test gets it in between.
  private static func freePort() async throws -> Int {
    while true {
      guard let listener = try? await RawListener.bind(port: .random(in: 10_240..<32_000)) else {
        continue
      }
      let port = listener.port
      try await listener.close()
      return port
    }
  }

  private func withPort(
    limits: String = "",
    _ body: (RunningRelay, StandInAgent, Int) async throws -> Void
  ) async throws {
    let port = try await Self.freePort()
    let offer = try TCPOffer("\(port)")
    try await withRelay(limits: limits, change: offering(offer)) { relay in
      let agent = try await relay.agent()
      try await serve(agent, port)
      try await body(relay, agent, port)
    }
  }

  private func offering(_ offer: TCPOffer) -> @Sendable (inout ServeOptions) -> Void {
    { $0.tcpPorts = offer }
  }

  private func serve(_ agent: StandInAgent, _ port: Int) async throws {
    agent.send(.serve(Serve(request: 7, wish: .tcp(port: nil, label: "db", host: ""))))
    guard case .serving(_, _, _, let url, _) = try await agent.controls.next() else {
      Issue.record("not serving")
      return
    }
    #expect(url == "tcp://\(RunningRelay.base):\(port)")
  }

  @Test("each connection opens a stream of kind tcp, and both halves end by themselves")
  func stream() async throws {
    try await withPort { _, agent, port in
      let client = try await RawSocket.connect(port: port)
      try await client.send("question")
      let stream = try await agent.streams.next()
      #expect(stream.open.kind == .tcp && stream.open.client == "127.0.0.1")
      #expect(stream.open.host == RunningRelay.base && stream.open.epoch == 1)
      #expect(try await stream.until("question") == "question")
      try await client.endOutput()
      #expect(try await stream.inbox.rest() == ("", .end))
      stream.send("answer", end: true)
      #expect(try await client.inbox.rest() == ("answer", .end))
      while try await agent.openStreams() > 0 { await Task.yield() }
    }
  }

  @Test("resets pass both ways, and a lost agent is one")
  func resets() async throws {
    try await withPort { _, agent, port in
      let first = try await RawSocket.connect(port: port)
      let stream = try await agent.streams.next()
      stream.reset(.upstreamRefused)
      #expect(try await first.inbox.rest().1 == .reset)
      let second = try await RawSocket.connect(port: port)
      let other = try await agent.streams.next()
      try await second.reset()
      #expect(try await other.words.next() == .reset(.cancelled))
      let third = try await RawSocket.connect(port: port)
      _ = try await agent.streams.next()
      try await agent.vanish()
      #expect(try await third.inbox.rest().1 == .reset)
      await #expect(throws: (any Error).self) { try await RawSocket.connect(port: port) }
    }
  }

  @Test("a client too many for the session is closed, and one that takes nothing is cut off")
  func limits() async throws {
    try await withPort(
      limits: "streams_per_session: 1, client_write_timeout_ms: 300"
    ) { _, agent, port in
      let first = try await RawSocket.connect(port: port, reads: false, window: 4_096)
      let stream = try await agent.streams.next()
      let second = try await RawSocket.connect(port: port)
      #expect(try await second.inbox.rest().0 == "")
      stream.send(String(repeating: "x", count: 8 << 20))
      #expect(try await stream.words.next() == .reset(.cancelled))
      #expect(try await stream.words.next() == .stop(.cancelled))
      withExtendedLifetime(first) {}
    }
  }

  @Test("the door counts clients of TCP endpoints too")
  func door() async throws {
    try await withPort(limits: "connections: 2") { _, agent, port in
      // The agent's link is the other one.
      let first = try await RawSocket.connect(port: port)
      try await first.send("in")
      let stream = try await agent.streams.next()
      #expect(try await stream.until("in") == "in")
      let second = try await RawSocket.connect(port: port)
      _ = try await second.inbox.rest()
      #expect(agent.streams.waiting.isEmpty)
    }
  }

  @Test("a port that another program has is said to its agent, who may come back")
  func inUse() async throws {
    let listener = try await RawListener.bind()
    let port = listener.port
    let offer = try TCPOffer("\(port)")
    try await withRelay(change: offering(offer)) { relay in
      let agent = try await relay.agent()
      agent.send(.serve(Serve(request: 7, wish: .tcp(port: nil, label: "db", host: ""))))
      guard case .refused(7, "no-free-port", _, _) = try await agent.controls.next() else {
        Issue.record("not refused")
        return
      }
      _ = try await relay.store.claimPort(port, label: "db", account: relay.ann.id)
      agent.send(.serve(Serve(request: 8, wish: .tcp(port: nil, label: "db", host: ""))))
      #expect(try await agent.goAways.next().code == .drain)
      try await listener.close()
      try await serve(try await relay.agent(), port)
    }
  }

  @Test(
    "what no agent may have is refused by its code",
    arguments: [
      ("x", UInt16(9), "", "port-not-offered"), ("x", nil, "other.example", "port-not-offered"),
      ("", nil, "", "name-invalid"), (String(repeating: "x", count: 254), nil, "", "name-invalid"),
    ] as [(String, UInt16?, String, String)])
  func refused(label: String, port: UInt16?, host: String, code: String) async throws {
    try await withPort { _, agent, _ in
      agent.send(.serve(Serve(request: 8, wish: .tcp(port: port, label: label, host: host))))
      guard case .refused(8, code, _, _) = try await agent.controls.next() else {
        Issue.record("not refused by \(code)")
        return
      }
    }
  }

  @Test("a CI token has no TCP ports, and a relay without ports says so")
  func nobody() async throws {
    try await withPort { relay, _, _ in
      let token = try await relay.store.addToken(account: "ann", ciPattern: "ci-*").token
      let agent = try await relay.agent(token: token)
      agent.send(.serve(Serve(request: 8, wish: .tcp(port: nil, label: "db", host: ""))))
      guard case .refused(8, "domain-out-of-scope", _, _) = try await agent.controls.next() else {
        Issue.record("not refused")
        return
      }
    }
    try await withRelay { relay in
      let agent = try await relay.agent()
      agent.send(.serve(Serve(request: 8, wish: .tcp(port: nil, label: "db", host: ""))))
      guard case .refused(8, "tcp-not-offered", _, let fix) = try await agent.controls.next() else {
        Issue.record("not refused")
        return
      }
      #expect(fix.contains("--tcp-ports"))
    }
  }

  @Test("a range of ports is read with its address, and all else is refused")
  func offers() throws {
    #expect(try TCPOffer("20000-20099").ports == 20_000...20_099)
    #expect(try TCPOffer("20000").ports == 20_000...20_000)
    #expect(try TCPOffer("0.0.0.0:1-1000").host == "0.0.0.0")
    #expect(try TCPOffer("[::1]:1-2").host == "::1")
    for text in [
      "", "0-5", "5-4", "1-1001", "65536", "a-b", "1-", "-1", "1-2-3", "x:y:1-2", "1..2",
    ] {
      #expect(throws: UserError.self, "\(text)") { try TCPOffer(text) }
    }
    let listen = try #require(ListenAddress("127.0.0.1:8080"))
    #expect(try TCPOffer("9-10").settled(beside: listen, isBehindProxy: false).host == "127.0.0.1")
    #expect(try TCPOffer("9-10").settled(beside: listen, isBehindProxy: true).host == "::")
    #expect(throws: UserError.self) {
      try TCPOffer("8000-8100").settled(beside: listen, isBehindProxy: false)
    }
  }
}
