import Multiplexer
import RelayStore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer

/// What an agent declares of an endpoint, at a running relay.
@Suite("policies at the relay")
struct PolicyTests {
  private static let salt = [UInt8](repeating: 7, count: PasswordHash.saltLength)
  private static let here = "127.0.0.0/8"

  private func password(_ text: String) throws -> String {
    let hash = try PasswordHash(of: try BasicCredentials(typed: text), salt: Self.salt)
    return "password \(try #require(hash))"
  }

  private func basic(_ text: String) -> String {
    "Authorization: Basic \(Base64.encode(text.utf8))\r\n"
  }

  /// The status line's number and the code of the answer to a request of its own.
  private func ask(
    _ relay: RunningRelay, _ fields: String = ""
  ) async throws -> (status: String, code: String?) {
    let client = try await relay.client()
    try await client.send(
      "GET / HTTP/1.1\r\nHost: \(relay.host)\r\nConnection: close\r\n\(fields)\r\n")
    let head = try await client.until("\r\n\r\n")
    let code = head.firstMatch(of: /Tunnel-Error: ([a-z-]+)/).map { String($0.1) }
    return (String(head.split(separator: " ")[1]), code)
  }

  private func declared(_ relay: RunningRelay) async throws -> [String]? {
    try await relay.store.directory().hosts[relay.ann.domain]?.policies
  }

  @Test("address, then rate, then password: who is refused by one never meets the next")
  func order() async throws {
    try await withRelay { relay in
      let agent = try await relay.agent()
      let secret = try password("ann:secret")
      let host = relay.ann.domain.text
      try await agent.serve(host, policies: ["deny \(Self.here)", "rate 2/h", secret])
      for _ in 1...3 { #expect(try await ask(relay).code == "policy-cidr") }
      try await agent.serve(host, policies: ["allow \(Self.here)", "rate 2/h", secret])
      for _ in 1...2 {
        let answer = try await ask(relay, basic("ann:wrong"))
        #expect(answer == ("401", "policy-basic-auth"))
      }
      #expect(try await ask(relay, basic("ann:secret")) == ("429", "policy-rate-limit"))
      #expect(agent.streams.waiting.isEmpty)
      let counts = try await relay.ask { $0.refusals.words }
      #expect(counts == "policy-basic-auth=2 policy-cidr=3 policy-rate-limit=1")
    }
  }

  @Test("a declaration is on disk before the agent hears of it, and replaces the one before whole")
  func replaces() async throws {
    try await withRelay { relay in
      let agent = try await relay.agent()
      let host = relay.ann.domain.text
      for policies in [["deny 10.0.0.1", "rate 9/s"], ["request-add X: y"], [], ["host a"]] {
        let epoch = try await agent.serve(host, policies: policies)
        #expect(try await declared(relay) == policies)
        // The same session goes on: nothing but its word has changed.
        #expect(epoch == 1)
      }
    }
  }

  @Test("it holds while nobody serves, and after the relay's restart")
  func away() async throws {
    try await withRelay(limits: "agent_wait_ms: 1") { relay in
      let agent = try await relay.agent()
      try await agent.serve(relay.ann.domain.text, policies: ["deny \(Self.here)"])
      agent.goAway()
      #expect(try await ask(relay).code == "policy-cidr")
      try await agent.vanish()
      #expect(try await ask(relay).code == "policy-cidr")
      await relay.end()
      let next = try await relay.next()
      #expect(try await ask(next).code == "policy-cidr")
      try await next.servingAgent().goAway()
      #expect(try await ask(next).code == "agent-offline")
      await next.end()
    }
  }

  @Test("what a standby declares counts from when it serves")
  func standby() async throws {
    try await withRelay { relay in
      let first = try await relay.agent()
      try await first.serve(relay.ann.domain.text, policies: ["deny \(Self.here)"])
      let second = try await relay.agent()
      second.declare(relay.ann.domain.text, manner: 1, policies: ["rate 1/h"])
      guard case .standby = try await second.controls.next() else {
        Issue.record("no standby")
        return
      }
      #expect(try await ask(relay).code == "policy-cidr")
      #expect(try await declared(relay) == ["deny \(Self.here)"])
      first.goAway()
      guard case .serving = try await second.controls.next() else {
        Issue.record("not serving")
        return
      }
      #expect(try await declared(relay) == ["rate 1/h"])
      async let answer = ask(relay)
      try await second.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      #expect(try await answer == ("204", nil))
      #expect(try await ask(relay).code == "policy-rate-limit")
    }
  }

  @Test(
    "a policy that cannot be kept is refused with a way out, and the session lives",
    arguments: [
      ["geo-block de"], ["allow 10.0.0.0/99"], ["request-add Content-Length: 5"],
      Array(repeating: "deny 10.0.0.1", count: 65),
    ])
  func invalid(_ policies: [String]) async throws {
    try await withRelay { relay in
      let agent = try await relay.agent()
      let host = relay.ann.domain.text
      try await agent.serve(host, policies: ["deny \(Self.here)"])
      agent.declare(host, policies: policies)
      guard case .refused(7, "policy-invalid", _, let fix) = try await agent.controls.next() else {
        Issue.record("not refused")
        return
      }
      #expect(!fix.isEmpty)
      #expect(try await ask(relay).code == "policy-cidr")
      try await agent.serve(host)
      #expect(try await declared(relay) == [])
    }
  }

  @Test("what is kept and cannot be read lets nobody in")
  func unreadable() async throws {
    try await withRelay { relay in
      let endpoint = try #require(
        try await relay.store.directory().hosts[relay.ann.domain]?.endpoint)
      try await relay.store.raiseEpoch(
        of: endpoint, to: Epoch(1), install: .fresh(), instance: .fresh(), policies: ["nonsense"])
      await relay.end()
      let next = try await relay.next()
      #expect(try await ask(next).code == "policy-cidr")
      // A new word from its owner opens it.
      let agent = try await next.agent()
      try await agent.serve(relay.ann.domain.text)
      agent.goAway()
      #expect(try await ask(next).code == "agent-offline")
      await next.end()
    }
  }

  @Test("a request that waited for its agent is counted once", .timeLimit(.minutes(1)))
  func waited() async throws {
    try await withRelay(limits: "agent_wait_ms: 600000") { relay in
      let policies = ["rate 1/h", try password("ann:secret")]
      try await relay.agent().serve(relay.ann.domain.text, policies: policies)
      await relay.end()
      let next = try await relay.next()
      async let answer = ask(next, basic("ann:secret"))
      while try await next.ask({ $0.hub.waitingNow }) != 1 { await Task.yield() }
      let agent = try await next.agent()
      try await agent.serve(relay.ann.domain.text, policies: policies)
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      #expect(try await answer == ("204", nil))
      #expect(try await ask(next, basic("ann:secret")).code == "policy-rate-limit")
      await next.end()
    }
  }

  @Test("a client that leaves while its password is looked at hurts nobody")
  func leaves() async throws {
    try await withRelay { relay in
      let agent = try await relay.agent()
      try await agent.serve(relay.ann.domain.text, policies: [try password("ann:secret")])
      for number in 0..<4 {
        let client = try await relay.client()
        try await client.send(
          "GET / HTTP/1.1\r\nHost: \(relay.host)\r\n" + basic("ann:\(number)") + "\r\n")
        if number % 2 == 0 { try await client.reset() } else { try await client.endOutput() }
      }
      while try await relay.ask({ $0.passwords.waiting }) > 0 { await Task.yield() }
      async let answer = ask(relay, basic("ann:secret"))
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      #expect(try await answer == ("204", nil))
    }
  }
}
