import Logging
import Multiplexer
import NIOPosix
import RelayStore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// Who serves a domain, over real sessions with a running relay.
@Suite("hub")
struct HubTests {
  private func answers(_ relay: RunningRelay, _ agent: StandInAgent) async throws {
    let client = try await relay.client()
    try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
    try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
    _ = try await client.until("204 No Content\r\n\r\n")
  }

  private func refusal(_ relay: RunningRelay, host: String? = nil) async throws -> String {
    let client = try await relay.client()
    try await client.send("GET / HTTP/1.1\r\nHost: \(host ?? relay.host)\r\n\r\n")
    return try await client.until("}\n")
  }

  @Test("a newer agent of the same install takes the domain; the older is told and ends")
  func replaced() async throws {
    try await withRelay { relay in
      let older = try await relay.servingAgent()
      let newer = try await relay.agent(install: older.install)
      let epoch = try await newer.serve(relay.host)
      guard case .replaced(_, epoch, "ann@test", _) = try await older.controls.next() else {
        Issue.record("not replaced")
        return
      }
      try await answers(relay, newer)
    }
  }

  @Test(
    "an agent of another install takes it too; the older waits and gets it back",
    arguments: [true, false])
  func standby(bySay: Bool) async throws {
    try await withRelay { relay in
      let older = try await relay.servingAgent()
      let newer = try await relay.agent()
      let taken = try await newer.serve(relay.host)
      guard case .standby(let endpoint, taken, "ann@test", _) = try await older.controls.next()
      else {
        Issue.record("not in standby")
        return
      }
      try await answers(relay, newer)
      if bySay { newer.send(.stop(endpoint: endpoint)) } else { newer.goAway() }
      guard case .serving(_, endpoint, let epoch, _, _) = try await older.controls.next() else {
        Issue.record("not back")
        return
      }
      #expect(epoch > taken)
      try await answers(relay, older)
    }
  }

  @Test("an agent that was away does not take the domain from who serves now")
  func stale() async throws {
    try await withRelay { relay in
      let first = try await relay.servingAgent()
      let second = try await relay.agent()
      let epoch = try await second.serve(relay.host)
      _ = try await first.controls.next()
      let back = try await relay.agent()
      var serve = Serve(request: 7, wish: .domain(relay.host))
      serve.heldEpoch = epoch - 1
      back.send(.serve(serve))
      guard case .standby = try await back.controls.next() else {
        Issue.record("taken")
        return
      }
      try await answers(relay, second)
    }
  }

  @Test("a revoked authtoken ends its sessions, and only those")
  func revoked() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let other = try await relay.store.addToken(account: "ann")
      let second = try await relay.agent(token: other.token)
      let tokens = try await relay.store.tokens()
      let first = try #require(tokens.first { $0.id != other.id })
      try await relay.store.revokeToken(first.id)
      #expect(try await agent.goAways.next().code == .revoked)
      _ = try await agent.endings.next()
      #expect(try await refusal(relay).contains("Tunnel-Error: agent-offline\r\n"))
      try await second.serve(relay.host)
      try await answers(relay, second)
    }
  }

  @Test("a disabled account's agents are sent away and not let in again")
  func disabled() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      try await relay.store.disableAccount("ann")
      #expect(try await agent.goAways.next().code == .revoked)
      let refused = await #expect(throws: StandInAgent.Refused.self) { try await relay.agent() }
      #expect(refused?.status == 403)
    }
  }

  @Test("a domain that is taken away is unknown at once, and its agent is told")
  func removed() async throws {
    try await withRelay { relay in
      let name = try DomainName("gone.\(RunningRelay.base)")
      let agent = try await relay.agent()
      agent.send(.serve(Serve(request: 3, wish: .label("gone"))))
      guard case .serving(3, _, _, _, true) = try await agent.controls.next() else {
        Issue.record("not claimed")
        return
      }
      try await relay.store.release(name, account: relay.ann.id)
      guard case .refused(_, "domain-not-held", _, _) = try await agent.controls.next() else {
        Issue.record("not told")
        return
      }
      #expect(
        try await refusal(relay, host: name.text).contains("Tunnel-Error: unknown-domain\r\n"))
    }
  }

  @Test("what was claimed while the directory was read is not taken away by it")
  func race() async throws {
    try await withRelay { relay in
      let loop = MultiThreadedEventLoopGroup.singleton.next()
      let began = Moment.now
      let before = try await relay.store.directory()
      let base = try DomainName(RunningRelay.base)
      let new = try DomainName("new.\(RunningRelay.base)")
      let claim = try await relay.store.claim(new, account: relay.ann.id, base: base)
      let known = try await loop.submit {
        let hub = Hub(
          base: base, urls: PublicURL(relay.settings), presence: Presence(), store: relay.store,
          loop: loop, logger: Logger(label: "hub"))
        _ = hub.endpoint(
          ClaimedEndpoint(
            endpoint: claim.endpoint, host: new, lastOwner: EndpointOwner(epoch: .never),
            isNew: true),
          of: relay.ann.id)
        hub.apply(before, readAt: began)
        let kept = hub.endpoint(new) != nil
        hub.apply(before, readAt: .now)
        return (kept, hub.endpoint(new) == nil)
      }.get()
      #expect(known == (true, true))
    }
  }

  @Test("an agent gets what its account may have, and hears why not")
  func wishes() async throws {
    try await withRelay { relay in
      let bob = try await relay.store.addAccount("bob", base: DomainName(RunningRelay.base))
      let agent = try await relay.agent()
      agent.send(.serve(Serve(request: 1, wish: .first)))
      guard case .serving(1, _, _, let url, false) = try await agent.controls.next() else {
        Issue.record("not the first")
        return
      }
      #expect(url == "http://\(relay.host):\(relay.port)")
      for (wish, code) in [
        (bob.domain.text, "domain-taken"), ("mine.example", "domain-not-held"),
        ("no_name", "domain-invalid"), ("www.\(RunningRelay.base)", "domain-reserved"),
      ] {
        agent.send(.serve(Serve(request: 2, wish: .domain(wish))))
        guard case .refused(2, code, _, _) = try await agent.controls.next() else {
          Issue.record("\(wish)")
          continue
        }
      }
    }
  }

  @Test(
    "a handshake without what it needs is refused in words",
    arguments: [
      ("", "Upgrade: tunnel/1\r\nConnection: Upgrade\r\n", 401, "authtoken-missing"),
      (
        "Authorization: Bearer tun_wrong\r\n", "Upgrade: tunnel/1\r\nConnection: Upgrade\r\n", 401,
        "authtoken-refused"
      ),
      ("Authorization: Bearer x\r\n", "", 426, "agent-too-old"),
      (
        "Authorization: Bearer x\r\n", "Upgrade: tunnel/9\r\nConnection: Upgrade\r\n", 426,
        "agent-too-old"
      ),
    ])
  func handshake(_ token: String, _ upgrade: String, _ status: Int, _ code: String) async throws {
    try await withRelay { relay in
      let client = try await relay.client()
      try await client.send(
        "GET /_tunnel/connect HTTP/1.1\r\nHost: localhost\r\n\(token)\(upgrade)\r\n")
      let answer = try await client.until("}\n")
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
      #expect(answer.contains("Tunnel-Error: \(code)\r\n"))
    }
  }

  @Test("an account has at most 50 sessions")
  func many() async throws {
    try await withRelay { relay in
      var agents: [StandInAgent] = []
      for _ in 0..<Hub.sessionsPerAccount { agents.append(try await relay.agent()) }
      let refused = await #expect(throws: StandInAgent.Refused.self) { try await relay.agent() }
      #expect(refused?.status == 429)
      #expect(refused?.body.contains("too-many-sessions") == true)
      withExtendedLifetime(agents) {}
    }
  }
}
