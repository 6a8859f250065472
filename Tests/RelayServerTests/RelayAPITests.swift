import Testing
import TunnelCore

@testable import RelayServer

/// The relay's own API, reached as everybody reaches it: through the ingress.
@Suite("relay API")
struct RelayAPITests {
  private func ask(
    _ relay: RunningRelay, _ line: String, token: String? = nil, body: String = "",
    host: String = RunningRelay.base
  ) async throws -> String {
    let client = try await relay.client()
    var lines = ["\(line) HTTP/1.1", "Host: \(host)", "Connection: close"]
    if let token { lines.append("Authorization: Bearer \(token)") }
    if !body.isEmpty {
      lines += ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"]
    }
    try await client.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    let (text, ending) = try await client.inbox.rest()
    #expect(ending == .end)
    return text
  }

  private func status(_ answer: String) -> String { String(answer.dropFirst(9).prefix(3)) }

  private func status(
    _ relay: RunningRelay, _ line: String, token: String? = nil, host: String = RunningRelay.base
  ) async throws -> String {
    status(try await ask(relay, line, token: token, host: host))
  }

  @Test(
    "the base domain, an address and localhost reach the relay itself",
    arguments: [RunningRelay.base, "TUNNEL.example.:80", "127.0.0.1:8080", "[::1]", "localhost"])
  func itself(_ host: String) async throws {
    try await withRelay { relay in
      let answer = try await ask(relay, "GET /healthz", host: host)
      #expect(answer.hasSuffix("\r\n\r\nok\n"))
    }
  }

  @Test("a Host that names nothing valid is refused, an unknown name is unknown")
  func hosts() async throws {
    try await withRelay { relay in
      #expect(try await status(relay, "GET /", host: "a b") == "400")
      #expect(try await status(relay, "GET /", host: "a.tunnel.example:99999") == "400")
      let unknown = try await ask(relay, "GET /", host: "nobody.\(RunningRelay.base)")
      #expect(unknown.contains("Tunnel-Error: unknown-domain\r\n"))
    }
  }

  @Test("one connection asks the relay and then an agent")
  func shared() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      for _ in 1...2 {
        try await client.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try await client.until("ready\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
        try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\r\n")
        try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
        _ = try await client.until("204 No Content\r\n\r\n")
      }
    }
  }

  @Test("an account sees itself, and who serves now")
  func account() async throws {
    try await withRelay { relay in
      let token = relay.ann.token.reveal()
      let before = try await ask(relay, "GET /api/v1/account", token: token)
      #expect(before.contains(#""account":"ann""#) && before.contains(#""online":false"#))
      #expect(before.contains(relay.host))
      try await relay.servingAgent().onLink { _ in }
      let after = try await ask(relay, "GET /api/v1/domains", token: token)
      #expect(after.contains(#""online":true"#))
    }
  }

  @Test("without a valid authtoken there is nothing to see")
  func guarded() async throws {
    try await withRelay { relay in
      let missing = try await ask(relay, "GET /api/v1/account")
      #expect(status(missing) == "401" && missing.contains("authtoken-missing"))
      let wrong = try await ask(relay, "GET /api/v1/account", token: "tun_x")
      #expect(status(wrong) == "401" && wrong.contains("authtoken-refused"))
      #expect(wrong.contains("Content-Type: application/problem+json\r\n"))
    }
  }

  @Test("whether a name may have a certificate: the relay's own and those that are held")
  func certificates() async throws {
    try await withRelay { relay in
      for name in [RunningRelay.base, relay.host, relay.host.uppercased()] {
        #expect(try await status(relay, "GET /_tunnel/ask?domain=\(name)") == "200")
      }
      let others = ["?domain=x.\(RunningRelay.base)", "?domain=127.0.0.1", "?domain=", "", "?a"]
      for query in others {
        let answer = try await ask(relay, "GET /_tunnel/ask\(query)")
        #expect(status(answer) == "404" && answer.contains("unknown-domain"))
      }
    }
  }

  @Test("a path that is not there is 404")
  func unknown() async throws {
    try await withRelay { relay in
      let open = try await status(relay, "GET /nothing")
      #expect(open == "404")
      let token = relay.ann.token.reveal()
      #expect(try await status(relay, "GET /api/v1/nothing", token: token) == "404")
    }
  }

  @Test("a name is claimed, held and released; a foreign one looks like none")
  func names() async throws {
    try await withRelay { relay in
      let bob = try await relay.store.addAccount("bob", base: DomainName(RunningRelay.base))
      let token = relay.ann.token.reveal()
      let claimed = try await ask(
        relay, "POST /api/v1/domains", token: token, body: #"{"domain":"shop"}"#)
      #expect(status(claimed) == "201" && claimed.contains("shop.\(RunningRelay.base)"))
      let taken = try await ask(
        relay, "POST /api/v1/domains", token: token, body: #"{"domain":"\#(bob.domain)"}"#)
      #expect(status(taken) == "409" && taken.contains("domain-taken"))
      let bad = try await ask(relay, "POST /api/v1/domains", token: token, body: "{")
      #expect(status(bad) == "400")
      let foreign = try await ask(relay, "DELETE /api/v1/domains/\(bob.domain)", token: token)
      let none = try await ask(relay, "DELETE /api/v1/domains/none.example", token: token)
      #expect([status(foreign), status(none)] == ["404", "404"])
      let released = try await ask(relay, "DELETE /api/v1/domains/shop", token: token)
      #expect(status(released) == "204")
    }
  }
}
