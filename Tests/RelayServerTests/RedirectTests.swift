import NIOCore
import Testing
import TunnelCore

@testable import RelayServer

/// The plain listener that only redirects.
@Suite("redirect to https")
struct RedirectTests {
  private func withRedirect(
    limits: String = "", _ body: (RunningRelay, () async throws -> RawSocket) async throws -> Void
  ) async throws {
    let change: @Sendable (inout ServeOptions) -> Void = {
      $0.redirect = ListenAddress("127.0.0.1:0")
    }
    try await withRelay(limits: limits, isSecure: true, change: change) { relay in
      let address = try #require(relay.relay.redirect)
      let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
      try await body(relay) { try await RawSocket.connect(port: port) }
    }
  }

  private func answer(_ location: String, _ more: String = "") -> String {
    "HTTP/1.1 308 Permanent Redirect\r\nLocation: \(location)\r\nContent-Length: 0\r\n\(more)\r\n"
  }

  @Test(
    "a request is sent on to the same address with https and the relay's port",
    arguments: [
      ("/a/b?c=d&e", "Mine.Example", "mine.example", "/a/b?c=d&e"),
      ("/", "mine.example:80", "mine.example", "/"),
      ("http://mine.example?q", "mine.example", "mine.example", "/?q"),
      ("http://mine.example:81/x", "mine.example:81", "mine.example", "/x"),
      ("//evil.example/", "mine.example.", "mine.example", "//evil.example/"),
      ("/", "127.0.0.1:80", "127.0.0.1", "/"), ("/", "[::1]:80", "[::1]", "/"),
      ("/", "localhost", "localhost", "/"),
    ])
  func redirects(_ target: String, _ host: String, _ name: String, _ path: String) async throws {
    try await withRedirect { relay, connect in
      let client = try await connect()
      let wanted = answer("https://\(name):\(relay.port)\(path)")
      for method in ["GET", "HEAD", "DELETE"] {
        try await client.send("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(try await client.until("\r\n\r\n") == wanted)
      }
      try await client.close()
    }
  }

  @Test("pipelined requests are all answered, and one with a body is the last")
  func pipelined() async throws {
    try await withRedirect { relay, connect in
      let client = try await connect()
      let host = "HTTP/1.1\r\nHost: a.example\r\n"
      let last = "POST /3 \(host)Content-Length: 5\r\n\r\nGET /"
      try await client.send("GET /1 \(host)\r\nGET /2 \(host)\r\n\(last)GET /4 \(host)\r\n")
      let at = "https://a.example:\(relay.port)"
      let (all, ending) = try await client.inbox.rest()
      #expect(
        all == answer("\(at)/1") + answer("\(at)/2") + answer("\(at)/3", "Connection: close\r\n"))
      #expect(ending == .end)
    }
  }

  @Test(
    "whoever asks to close, and HTTP/1.0, is closed behind the answer",
    arguments: ["HTTP/1.1\r\nConnection: close", "HTTP/1.0"])
  func closes(_ rest: String) async throws {
    try await withRedirect { relay, connect in
      let client = try await connect()
      try await client.send("GET /x \(rest)\r\nHost: a.example\r\n\r\n")
      let wanted = answer("https://a.example:\(relay.port)/x", "Connection: close\r\n")
      #expect(try await client.inbox.rest() == (wanted, .end))
    }
  }

  @Test(
    "what is no whole, valid request is 400, and nothing is served",
    arguments: [
      ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.0\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", 400),
      ("GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", 400),
      ("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
      ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
      ("GET /\u{0} HTTP/1.1\r\nHost: a.example\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\r\n", 400),
      ("GET /\(String(repeating: "a", count: 8_192)) HTTP/1.1\r\nHost: a.example\r\n\r\n", 414),
      (
        "GET / HTTP/1.1\r\nHost: a.example\r\nA: \(String(repeating: "a", count: 16_384))\r\n\r\n",
        431
      ),
    ])
  func refused(_ request: String, _ status: Int) async throws {
    try await withRedirect { _, connect in
      let client = try await connect()
      client.push(request)
      let (said, ending) = try await client.inbox.rest()
      #expect(said.hasPrefix("HTTP/1.1 \(status) ") && said.contains("Connection: close\r\n"))
      #expect(!said.contains("Location") && ending == .end)
    }
  }

  @Test("silence, half a head and rest have the ingress's time")
  func deadlines() async throws {
    let limits = "header_read_timeout_ms: 300, keep_alive_timeout_ms: 300"
    try await withRedirect(limits: limits) { _, connect in
      let silent = try await connect()
      let half = try await connect()
      try await half.send("GET / HTTP/1.1\r\nHost: a")
      let idle = try await connect()
      try await idle.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
      _ = try await idle.until("\r\n\r\n")
      for client in [silent, half, idle] {
        #expect(try await client.inbox.rest() == ("", .end))
      }
    }
  }

  @Test("its connections are counted at the same door")
  func door() async throws {
    try await withRedirect(limits: "connections: 1") { relay, connect in
      let first = try await connect()
      try await first.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
      _ = try await first.until("\r\n\r\n")
      let second = try await relay.client()
      #expect(try await second.inbox.rest().0 == "")
      try await first.close()
    }
  }
}
