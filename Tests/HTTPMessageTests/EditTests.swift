import HTTPMessage
import Testing

func edited(
  _ raw: String, client: String = "203.0.113.7", proto: String = "https", keepProto: Bool = false,
  edits: HeadEdits? = nil
) throws -> String {
  let source = bytes(raw)
  var scanner = RequestScanner()
  #expect(try scanner.scan(source.span))
  let forwarded = Forwarded(
    client: bytes(client), proto: bytes(proto), keepProto: keepProto)
  let bound = RequestEdit.bound(scanner.head, source.span, forwarded, edits)
  return write(bound) {
    RequestEdit.write(scanner.head, source.span, forwarded, edits, into: $0)
  }
}

func editedResponse(
  _ raw: String, close: Bool = false, unchunked: Bool = false, edits: HeadEdits? = nil
) throws -> String {
  let source = bytes(raw)
  var scanner = ResponseScanner()
  #expect(try scanner.scan(source.span))
  let bound = ResponseEdit.bound(scanner.head, edits)
  return write(bound) {
    ResponseEdit.write(
      scanner.head, source.span, close: close, unchunked: unchunked, edits, into: $0)
  }
}

private func write(_ bound: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> String {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bound, alignment: 1)
  defer { memory.deallocate() }
  let length = body(memory)
  #expect(length <= bound)
  return text(memory.prefix(length))
}

@Suite("A request's edit")
struct RequestEditTests {
  static let added =
    "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"

  @Test("only adds where nothing has to go")
  func plain() throws {
    let head = "GET /x HTTP/1.1\r\nhOST: a\r\nCookie:  b ;\t\r\nX:\r\ncookie: \u{e9}\r\n"
    #expect(try edited(head + "\r\n") == head + Self.added + "\r\n")
  }

  static let cases: [(String, String)] = [
    ("Connection: keep-alive\r\nX: 1\r\n", "X: 1\r\n"),
    ("Connection: X-Hop, close\r\nx-hop: 1\r\nX: 1\r\nX-HOP: 2\r\n", "X: 1\r\n"),
    ("Connection: Authorization\r\nAuthorization: b\r\nX: 1\r\n", "X: 1\r\n"),
    ("Connection: trailer\r\nTrailer: b\r\nX: 1\r\n", "X: 1\r\n"),
    ("Trailer: b\r\nExpect: 100-continue\r\n", "Trailer: b\r\nExpect: 100-continue\r\n"),
    ("Keep-Alive: 5\r\nProxy-Connection: a\r\nProxy-Authenticate: b\r\n", ""),
    ("X: 1\r\nProxy-Authorization: b\r\nY: 2\r\n", "X: 1\r\nY: 2\r\n"),
    ("TE: gzip;q=0.5, Trailers\r\nX: 1\r\nTE: trailers\r\n", "TE: trailers\r\nX: 1\r\n"),
    ("TE: gzip\r\nX: 1\r\n", "X: 1\r\n"),
    ("Tunnel-Error: a\r\nX: 1\r\nTUNNEL-X: b\r\n", "X: 1\r\n"),
    ("Transfer-Encoding: Chunked\r\n", "Transfer-Encoding: Chunked\r\n"),
    ("Upgrade: websocket\r\nX: 1\r\n", "X: 1\r\n"),
    (
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\nX: 1\r\n",
      "X: 1\r\n"
    ),
    (
      "X: 1\r\nConnection: keep-alive, upgrade\r\nUpgrade:  WebSocket\r\n"
        + "Connection: y\r\nY: 2\r\nZ: 3\r\n",
      "X: 1\r\nConnection: Upgrade\r\nUpgrade:  WebSocket\r\nZ: 3\r\n"
    ),
    ("Forwarded: for=b\r\nVia: c\r\n", "Forwarded: for=b\r\nVia: c\r\n"),
  ]

  @Test("takes out what is for this hop, and no more", arguments: cases)
  func removes(_ fields: String, _ left: String) throws {
    let line = "POST / HTTP/1.1\r\nHost: a\r\n"
    #expect(try edited("\(line)\(fields)\r\n") == line + left + Self.added + "\r\n")
  }

  @Test("joins the old addresses before the peer's")
  func forwardedFor() throws {
    let old =
      "X-Forwarded-For: 1.1.1.1 \r\nX: 1\r\nx-forwarded-for:\r\n"
      + "X-FORWARDED-FOR:2.2.2.2, 3\r\n"
    let output = try edited("GET / HTTP/1.1\r\nHost: a\r\n\(old)\r\n", client: "::1")
    #expect(
      output == "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3, ::1\r\n"
        + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n\r\n")
  }

  @Test(
    "takes a protocol over only from whom it may, and only a good one",
    arguments: [
      ("https", true, "https"), ("HTTPS", true, "HTTPS"), ("ftp", true, "http"),
      ("https", false, "http"), ("", true, "http"), ("https, http", true, "http"),
    ])
  func proto(_ sent: String, _ keep: Bool, _ left: String) throws {
    let raw =
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: \(sent)\r\n"
      + "X-Forwarded-Host: evil\r\n\r\n"
    let output = try edited(raw, proto: "http", keepProto: keep)
    #expect(
      output == "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n"
        + "X-Forwarded-Proto: \(left)\r\nX-Forwarded-Host: a\r\n\r\n")
  }

  @Test(
    "turns an absolute target into a path",
    arguments: [
      ("GET http://a/x?y", "GET /x?y"), ("GET https://A", "GET /"), ("GET http://a?y", "GET /?y"),
      ("OPTIONS http://a", "OPTIONS *"), ("OPTIONS http://a/", "OPTIONS /"),
      ("OPTIONS *", "OPTIONS *"), ("\r\nGET /", "GET /"), ("\r\nGET http://a/", "GET /"),
    ])
  func targets(_ line: String, _ left: String) throws {
    let rest = " HTTP/1.1\r\nHost: a\r\n"
    #expect(try edited(line + rest + "\r\n") == left + rest + Self.added + "\r\n")
  }

  @Test("keeps HTTP/1.0, and names no host where there is none")
  func oldVersion() throws {
    let output = try edited("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", proto: "http")
    #expect(
      output
        == "GET / HTTP/1.0\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\n\r\n")
  }

  @Test("of random fields is what a reading line by line says", arguments: 1...4)
  func random(_ seed: UInt64) throws {
    var random = Seeded(state: seed)
    let pool = [
      "X: 1", "x:\t2 ", "Cookie: a=b", "Keep-Alive: 5", "TE: gzip", "Tunnel-Id: 3", "A:",
      "X-Forwarded-Host: b", "X-Forwarded-Proto: c", "Proxy-Connection: d", "hop: e", "Hop:f",
      "Connection: hop", "Connection: close", "Upgrade: h2c", "Trailer: T", "Accept: */*",
    ]
    let gone = ["keep-alive", "te", "tunnel-id", "x-forwarded-host", "x-forwarded-proto"]
    for _ in 0..<200 {
      let count = Int.random(in: 0...12, using: &random)
      let lines = (0..<count).map { _ in pool[Int.random(in: 0..<pool.count, using: &random)] }
      let namesHop = lines.contains("Connection: hop")
      let left = lines.filter { line in
        let name = String(line.prefix { $0 != ":" }).lowercased()
        if ["connection", "upgrade", "proxy-connection"].contains(name) { return false }
        return !gone.contains(name) && !(namesHop && name == "hop")
      }
      let start = "GET / HTTP/1.1\r\nHost: a\r\n"
      func joined(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }
      let output = try edited(start + joined(lines) + "\r\n")
      #expect(output == start + joined(left) + Self.added + "\r\n", "\(lines)")
      let again = try #require(try scanRequest(output))
      #expect(again.fields.count == 1 + left.count + 3)
    }
  }
}

@Suite("A response's edit")
struct ResponseEditTests {
  static let cases: [(String, Bool, String)] = [
    ("", false, ""), ("", true, "Connection: close\r\n"),
    ("Connection: close\r\nX: 1\r\n", false, "X: 1\r\n"),
    ("Connection: keep-alive\r\nKeep-Alive: 5\r\nX: 1\r\n", true, "X: 1\r\nConnection: close\r\n"),
    ("Connection: x\r\nX: 1\r\nY: 2\r\n", false, "Y: 2\r\n"),
    ("Tunnel-Error: a\r\nTunnel-Inbox-Id: b\r\nX:  1 \r\n", false, "X:  1 \r\n"),
    ("X-Forwarded-For: a\r\nVia: b\r\n", false, "X-Forwarded-For: a\r\nVia: b\r\n"),
    ("Upgrade: h2,h2c\r\nConnection: Upgrade\r\nX: 1\r\n", false, "X: 1\r\n"),
    (
      "Transfer-Encoding: chunked\r\nTrailer: T\r\n", false,
      "Transfer-Encoding: chunked\r\nTrailer: T\r\n"
    ),
    (
      "Set-Cookie: a\r\nset-cookie: b\r\nSet-Cookie: a\r\n", false,
      "Set-Cookie: a\r\nset-cookie: b\r\nSet-Cookie: a\r\n"
    ),
    ("TE: a\r\nProxy-Authenticate: b\r\nProxy-Connection: d\r\n", false, ""),
    ("Proxy-Authorization: c\r\n", false, ""),
  ]

  @Test("takes out what is for this hop, and no more", arguments: cases)
  func removes(_ fields: String, _ close: Bool, _ left: String) throws {
    let line = "HTTP/1.1 200 All  right\r\n"
    #expect(try editedResponse("\(line)\(fields)\r\n", close: close) == line + left + "\r\n")
  }

  @Test("of a 101 keeps the upgrade")
  func switching() throws {
    let raw =
      "HTTP/1.1 101 S\r\nX: 1\r\nconnection: upgrade, x-hop\r\nX-Hop: 1\r\n"
      + "upgrade: w\r\n\r\n"
    #expect(
      try editedResponse(raw, close: true)
        == "HTTP/1.1 101 S\r\nX: 1\r\nConnection: Upgrade\r\nupgrade: w\r\n\r\n")
  }

  @Test("of a body that goes without its chunks names neither them nor their trailers")
  func unchunked() throws {
    let raw =
      "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(
      try editedResponse(raw, close: true, unchunked: true)
        == "HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\n\r\n")
    #expect(try editedResponse(raw) == raw)
  }

  @Test("of an interim head adds no close")
  func interim() throws {
    let raw = "HTTP/1.1 103 E\r\nLink: a\r\n\r\n"
    #expect(try editedResponse(raw, close: true) == raw)
  }
}
