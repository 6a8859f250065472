import HTTPMessage
import Testing

@Suite("A request's head")
struct RequestHeadTests {
  static let host = "Host: a.example\r\n"

  @Test("says what stands where")
  func everything() throws {
    let raw =
      "POST /a/b?c=d HTTP/1.1\r\nHost: a.example:8080\r\nX-Odd:\t  v v \t\r\nEmpty:\r\n"
      + "Content-Length: 12\r\nExpect: 100-Continue\r\nAccept: text/html\r\n\r\n"
    let head = try #require(try scanRequest(raw + "the body"))
    let source = bytes(raw)
    func cut(_ range: ByteRange) -> String { text(source[range.range]) }
    #expect(head.length == source.count)
    #expect(head.leading == 0)
    #expect(head.method == .post)
    #expect(cut(head.methodRange) == "POST")
    #expect(cut(head.target) == "/a/b?c=d")
    #expect(head.form == .origin)
    #expect(head.minorVersion == 1)
    #expect(head.host.map(cut) == "a.example:8080")
    #expect(head.framing == .length(12))
    #expect(head.expectsContinue)
    #expect(!head.closes && !head.upgrade && !head.takesTrailers)
    #expect(
      head.fields.map { cut($0.name) } == [
        "Host", "X-Odd", "Empty", "Content-Length", "Expect", "Accept",
      ])
    #expect(
      head.fields.map { cut($0.value) } == [
        "a.example:8080", "v v", "", "12", "100-Continue", "text/html",
      ])
    #expect(
      head.fields.map(\.kind) == [.host, .other, .other, .contentLength, .expect, .accept])
  }

  @Test(
    "has a method that is known or a token",
    arguments: [
      ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put),
      ("DELETE", .delete), ("OPTIONS", .options), ("PATCH", .patch), ("get", .other),
      ("PROPFIND", .other), ("M-SEARCH", .other), ("G", .other), ("#!$%&'*+-.^_`|~1", .other),
      (String(repeating: "M", count: 32), .other),
    ])
  func methods(_ word: String, _ method: Method) throws {
    let head = try #require(try scanRequest("\(word) / HTTP/1.1\r\n\(Self.host)\r\n"))
    #expect(head.method == method)
    #expect(head.methodRange.count == word.utf8.count)
  }

  @Test("in absolute form has the authority that Host has")
  func absolute() throws {
    let raw = "GET HTTP://A.example:80/x?y HTTP/1.1\r\nhost: a.EXAMPLE:80\r\n\r\n"
    let head = try #require(try scanRequest(raw))
    guard case .absolute(let authority, let path) = head.form else {
      Issue.record("form is \(head.form)")
      return
    }
    #expect(text(bytes(raw)[authority.range]) == "A.example:80")
    #expect(text(bytes(raw)[path.range]) == "/x?y")
  }

  @Test(
    "tells an upgrade that will be passed on",
    arguments: [
      ("Connection: Upgrade\r\nUpgrade: websocket\r\n", true),
      ("Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n", true),
      ("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", true),
      ("Connection: upgrade\r\n", false),
      ("Connection: upgrade\r\nUpgrade: \r\n", false),
      ("Upgrade: websocket\r\n", false),
      ("Connection: upgrade\r\nUpgrade: h2c\r\n", false),
      ("Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", false),
      ("Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", false),
      ("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", false),
      ("Connection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: chunked\r\n", false),
    ])
  func upgrades(_ fields: String, _ upgrade: Bool) throws {
    let head = try #require(try scanRequest("GET / HTTP/1.1\r\n\(Self.host)\(fields)\r\n"))
    #expect(head.upgrade == upgrade)
  }

  @Test("of HTTP/1.0 closes, upgrades nothing and needs no Host")
  func oldVersion() throws {
    let fields = "Connection: keep-alive, upgrade\r\nUpgrade: x\r\nExpect: 100-continue\r\n"
    let head = try #require(try scanRequest("GET / HTTP/1.0\r\n\(fields)\r\n"))
    #expect(head.minorVersion == 0)
    #expect(head.host == nil)
    #expect(head.closes && !head.upgrade && !head.expectsContinue)
  }

  @Test("closes when Connection says so, among other words")
  func closes() throws {
    let raw = "GET / HTTP/1.1\r\n\(Self.host)Connection: , Foo,\tCLOSE ,\r\nfoo: 1\r\n\r\n"
    let head = try #require(try scanRequest(raw))
    #expect(head.closes)
    #expect(head.fields.map(\.named) == [false, false, true])
  }

  @Test("marks the names that matter, whatever their case")
  func kinds() throws {
    let names: [(String, FieldName)] = [
      ("CONNECTION", .connection), ("keep-Alive", .keepAlive), ("te", .te),
      ("Trailer", .trailer), ("upgrade", .upgrade), ("Proxy-Connection", .proxyConnection),
      ("proxy-authenticate", .proxyAuthenticate),
      ("Proxy-Authorization", .proxyAuthorization), ("X-Forwarded-For", .xForwardedFor),
      ("x-forwarded-proto", .xForwardedProto), ("X-FORWARDED-HOST", .xForwardedHost),
      ("Tunnel-", .tunnel), ("tunnel-error", .tunnel), ("Tunnel-Inbox-Id", .tunnel),
      ("Transfer-Encoding", .transferEncoding), ("Tunnels-Error", .other), ("Hosts", .other),
      ("X-Forwarded-Fox", .other), ("Forwarded", .other), ("Content_Type", .other),
      ("Accept-Encoding", .other), ("Xxcept", .other), ("Uxxrade", .other),
      ("Content-Lengti", .other),
    ]
    for (name, kind) in names {
      let raw = "GET / HTTP/1.1\r\n\(Self.host)\(name): chunked\r\n\r\n"
      let head = try #require(try scanRequest(raw))
      #expect(head.fields[1].kind == kind, "\(name)")
    }
  }
}
