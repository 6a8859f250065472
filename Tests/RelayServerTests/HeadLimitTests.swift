import Testing

@testable import RelayServer

/// The limits of a request's bytes (limits.md, "Public side"), each set small in relay.yml: what
/// fits passes, one more is refused with its code and the connection ends.
@Suite("limits of a request's bytes")
struct HeadLimitTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var setting: String
    var status: Int
    var code: String
    /// The request of a host, as long as the limit lets it be, or longer by so much.
    var request: @Sendable (_ host: String, _ over: Int) -> String

    var testDescription: String { setting }
  }

  private static func fill(_ count: Int) -> String { String(repeating: "a", count: count) }

  private static func chunked(_ host: String, _ body: String) -> String {
    "POST / HTTP/1.1\r\nHost: \(host)\r\nTransfer-Encoding: chunked\r\n\r\n" + body
  }

  static let cases = [
    Case(setting: "request_line_bytes: 100", status: 414, code: "uri-too-long") { host, over in
      // `GET /` and ` HTTP/1.1` are 14 bytes.
      "GET /\(fill(86 + over)) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
    },
    Case(setting: "header_field_bytes: 200", status: 431, code: "header-too-large") { host, over in
      "GET / HTTP/1.1\r\nHost: \(host)\r\nX: \(fill(197 + over))\r\n\r\n"
    },
    Case(setting: "header_bytes: 300", status: 431, code: "header-too-large") { host, over in
      // Lines without the last one's end; `Host: ` and CRLF are 8 bytes, `X: ` 3.
      "GET / HTTP/1.1\r\nHost: \(host)\r\nX: \(fill(300 - 8 - host.count - 3 + over))\r\n\r\n"
    },
    Case(setting: "header_fields: 5", status: 431, code: "header-too-large") { host, over in
      let lines = String(repeating: "X: 1\r\n", count: 4 + over)
      return "GET / HTTP/1.1\r\nHost: \(host)\r\n\(lines)\r\n"
    },
    Case(setting: "chunk_line_bytes: 20", status: 400, code: "bad-request") { host, over in
      chunked(host, "1;\(fill(18 + over))\r\nx\r\n0\r\n\r\n")
    },
    Case(setting: "trailer_bytes: 50", status: 431, code: "header-too-large") { host, over in
      chunked(host, "0\r\nX: \(fill(47 + over))\r\n\r\n")
    },
  ]

  @Test("holds to the byte", arguments: cases)
  func crossed(_ one: Case) async throws {
    try await withRelay(limits: one.setting) { relay in
      let agent = try await relay.servingAgent()
      let fits = try await relay.client()
      try await fits.send(one.request(relay.host, 0))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await fits.until("HTTP/1.1 204 No Content\r\n\r\n")
      let over = try await relay.client()
      try await over.send(one.request(relay.host, 1))
      let (answer, _) = try await over.inbox.rest()
      #expect(answer.hasPrefix("HTTP/1.1 \(one.status) "))
      #expect(answer.contains("Tunnel-Error: \(one.code)\r\n"))
      #expect(agent.streams.waiting.isEmpty)
    }
  }

  @Test("of their own they are those of limits.md")
  func defaults() {
    let heads = IngressLimits().heads
    #expect([heads.line, heads.field, heads.fields] == [8_192, 16_384, 65_536])
    #expect([heads.count, heads.chunkLine, heads.trailers] == [100, 256, 8_192])
  }

  @Test("what an operator allows reaches an app: the agent takes all that a relay can take")
  func raised() async throws {
    let limits =
      "request_line_bytes: 65536, header_field_bytes: 262144, header_bytes: 1048576, "
      + "header_fields: 1000"
    try await withRelay(limits: limits) { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      let fields = String(repeating: "X: \(Self.fill(1_000))\r\n", count: 999)
      try await client.send(
        "GET /?\(Self.fill(65_000)) HTTP/1.1\r\nHost: \(relay.host)\r\n\(fields)\r\n")
      let stream = try await agent.streams.next()
      _ = try await stream.until("X-Forwarded-Host: \(relay.host)\r\n\r\n")
      stream.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await client.until("HTTP/1.1 204 No Content\r\n\r\n")
    }
  }
}
