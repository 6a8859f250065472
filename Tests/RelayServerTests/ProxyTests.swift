import Testing
import TunnelCore

@testable import RelayServer

/// What an agent is told of a client, with and without a proxy that is trusted.
@Suite("trusted proxies")
struct ProxyTests {
  private static let behindProxy: @Sendable (inout ServeOptions) -> Void = {
    $0.behindProxy = true
  }

  /// `client` and `secure` of OPEN, and the forwarded lines of the head, for a request with these
  /// fields.
  private func told(
    _ relay: RunningRelay, _ agent: StandInAgent, _ fields: String
  ) async throws -> (client: String, secure: Bool, head: String) {
    let client = try await relay.client()
    try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\(fields)\r\n")
    let stream = try await agent.streams.next()
    let head = try await stream.until("\r\n\r\n")
    stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
    _ = try await client.until("\r\n\r\n")
    try await client.close()
    return (stream.open.client, stream.open.secure, head)
  }

  private let claims = "X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"

  @Test("a stranger's claims are forwarded as old values at most")
  func stranger() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let (client, secure, head) = try await told(relay, agent, claims)
      #expect(client == "127.0.0.1" && !secure)
      #expect(head.contains("X-Forwarded-For: 198.51.100.1, 203.0.113.9, 127.0.0.1\r\n"))
      #expect(head.contains("X-Forwarded-Proto: http\r\n"))
    }
  }

  @Test("a trusted proxy's word is taken, for the agent as for the app")
  func trusted() async throws {
    try await withRelay(change: Self.behindProxy) { relay in
      let agent = try await relay.servingAgent()
      let (client, secure, head) = try await told(relay, agent, claims)
      #expect(client == "203.0.113.9" && secure)
      #expect(head.contains("X-Forwarded-Proto: https\r\n"))
      for (lines, isSecure) in [
        ("X-Forwarded-Proto: http\r\n", false), ("X-Forwarded-Proto: wss\r\n", false),
        ("X-Forwarded-Proto: https, http\r\n", false), ("X-Forwarded-Proto: HTTPS\r\n", true),
        ("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n", true),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: x\r\n", true),
      ] {
        let (client, secure, head) = try await told(relay, agent, lines)
        #expect(client == "127.0.0.1" && secure == isSecure, "\(lines)")
        let word = head.lowercased().contains("x-forwarded-proto: https\r\n")
        #expect(word == isSecure, "the app is told the same as the agent: \(lines)")
      }
    }
  }

  @Test("behind a proxy a relay with a certificate is secure unless the proxy says otherwise")
  func both() async throws {
    try await withRelay(isSecure: true, change: Self.behindProxy) { relay in
      let agent = try await relay.servingAgent()
      for (word, isSecure) in [("", true), ("X-Forwarded-Proto: http\r\n", false)] {
        let client = try await relay.secureClient()
        try await client.send("GET / HTTP/1.1\r\nHost: \(relay.host)\r\n\(word)\r\n")
        let stream = try await agent.streams.next()
        #expect(stream.open.secure == isSecure)
        stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
        _ = try await client.until("\r\n\r\n")
        try await client.close()
      }
    }
  }
}
