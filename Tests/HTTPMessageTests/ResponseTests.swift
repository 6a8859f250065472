import HTTPMessage
import Testing

@Suite("A response's head")
struct ResponseHeadTests {
  @Test("says what stands where")
  func everything() throws {
    let raw =
      "HTTP/1.1 404 Not \u{e9}ver\r\nServer: x\r\nContent-Length: 3\r\n"
      + "Connection: X-Hop\r\nx-hop: 1\r\nTunnel-Error: no\r\n\r\n"
    let head = try #require(try scanResponse(raw))
    #expect(head.length == bytes(raw).count)
    #expect(head.status == 404)
    #expect(text(bytes(raw)[head.reason.range]) == "Not \u{e9}ver")
    #expect(head.minorVersion == 1)
    #expect(head.announced == .length(3))
    #expect(!head.closes && !head.upgrade)
    #expect(
      head.fields.map(\.kind) == [.other, .contentLength, .connection, .other, .tunnel])
    #expect(head.fields.map(\.named) == [false, false, false, true, false])
  }

  @Test(
    "may lack a reason", arguments: ["HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 200\r\n\r\n"])
  func noReason(_ raw: String) throws {
    let head = try #require(try scanResponse(raw))
    #expect(head.reason.isEmpty)
    #expect(head.status == 200)
  }

  static let faults: [(String, Reason)] = [
    ("SSH-2.0", .version), ("x", .version), ("HTTP/1.2 200 OK\r\n", .version),
    ("HTTP/2 200 OK\r\n\r\n", .version), ("http/1.1 200 OK\r\n", .version),
    ("HTTP/1.1  200 OK\r\n", .statusLine), ("HTTP/1.1 20 OK\r\n\r\n", .statusLine),
    ("HTTP/1.1 2000 OK\r\n", .statusLine), ("HTTP/1.1 099 OK\r\n", .statusLine),
    ("HTTP/1.1 2x0 OK\r\n", .statusLine), ("HTTP/1.1 200\tOK\r\n", .statusLine),
    ("HTTP/1.1 200 O\0K\r\n", .statusLine), ("HTTP/1.1 200 O\u{7f}K\r\n", .statusLine),
    ("HTTP/1.1 200 OK\n", .lineEnd), ("HTTP/1.1 200\nX", .lineEnd),
    ("HTTP/1.1 200 OK\rX", .lineEnd), ("HTTP/1.1 200\rX", .lineEnd),
    ("\r\nHTTP/1.1 200 OK\r\n", .version),
    ("HTTP/1.1 200 OK\r\nX: a\n", .lineEnd), ("HTTP/1.1 200 OK\r\n X: a\r\n", .folded),
    ("HTTP/1.1 200 OK\r\nX : a\r\n", .fieldNameSpace),
    ("HTTP/1.1 200 OK\r\nX: \0\r\n", .fieldValue),
    ("HTTP/1.1 200 OK\r\nContent_Length: 1\r\n", .fieldAlias),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n", .length),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n", .lengthTwice),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", .lengthAndCoding),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", .coding),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", .coding),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", .codingVersion),
    ("HTTP/1.1 200 OK\r\nConnection: Content-Length\r\n", .connectionNames),
  ]

  @Test("is refused", arguments: faults)
  func fault(_ raw: String, _ reason: Reason) {
    #expect(throws: MessageFault.malformed(reason)) { try scanResponse(raw) }
  }

  static let head = RequestContext(isHead: true)
  static let old = RequestContext(minorVersion: 0)
  static let get = RequestContext()
  static let framings: [(String, RequestContext, BodyFraming)] = [
    ("200 OK\r\nContent-Length: 3", get, .length(3)),
    ("200 OK\r\nTransfer-Encoding: CHUNKED", get, .chunked), ("200 OK", get, .untilClose),
    ("200 OK\r\nContent-Length: 3", head, .none), ("200 OK", head, .none),
    ("200 OK\r\nTransfer-Encoding: chunked", head, .none),
    ("304 N\r\nContent-Length: 3", get, .none), ("304 N", get, .none), ("204 N", get, .none),
    ("204 N\r\nContent-Length: 0", get, .none), ("103 E", get, .none),
    ("200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked", get, .chunked),
    ("200 OK\r\nContent-Length: 3", old, .length(3)), ("200 OK", old, .untilClose),
    ("200 OK\r\nTransfer-Encoding: chunked", old, .chunked),
    ("999 Odd\r\nContent-Length: 0", get, .length(0)),
  ]

  @Test("tells where its body ends", arguments: framings)
  func framing(_ raw: String, _ context: RequestContext, _ framing: BodyFraming) throws {
    let head = try #require(try scanResponse("HTTP/1.1 \(raw)\r\n\r\n"))
    #expect(try head.framing(for: context) == framing)
  }

  @Test(
    "announces no body where none can be",
    arguments: [
      ("204 N\r\nContent-Length: 1", get, Reason.bodyForbidden),
      ("204 N\r\nTransfer-Encoding: chunked", get, .bodyForbidden),
      ("100 C\r\nContent-Length: 1", get, .bodyForbidden),
    ])
  func forbidden(_ raw: String, _ context: RequestContext, _ reason: Reason) throws {
    let head = try #require(try scanResponse("HTTP/1.1 \(raw)\r\n\r\n"))
    #expect(throws: MessageFault.malformed(reason)) { try head.framing(for: context) }
  }

  @Test("is no interim one in HTTP/1.0", arguments: ["100 C", "103 E", "101 S"])
  func oldInterim(_ status: String) throws {
    let head = try #require(try scanResponse("HTTP/1.0 \(status)\r\n\r\n"))
    #expect(throws: MessageFault.malformed(.interimVersion)) { try head.framing(for: .init()) }
  }

  @Test(
    "says how long an idle connection is kept",
    arguments: [
      ("Keep-Alive: timeout=5, max=100", 5), ("keep-alive: max=1,Timeout=72", 72),
      ("Keep-Alive: timeout=9\r\nKeep-Alive: timeout=3", 3), ("Keep-Alive: timeout=0", 0),
      ("Keep-Alive: timeout=", nil), ("Keep-Alive: timeout=5s", nil),
      ("Keep-Alive: timeout=-1", nil), ("Keep-Alive: timeout=1234567", nil), ("X: y", nil),
    ] as [(String, Int?)])
  func keepAlive(_ field: String, _ seconds: Int?) throws {
    let raw = "HTTP/1.1 200 OK\r\n\(field)\r\n\r\n"
    let head = try #require(try scanResponse(raw))
    #expect(head.keepAliveSeconds(bytes(raw).span) == seconds)
  }

  @Test("closes by word and by version")
  func closes() throws {
    #expect(try scanResponse("HTTP/1.0 200 OK\r\n\r\n")?.closes == true)
    #expect(try scanResponse("HTTP/1.1 200 OK\r\nConnection: a, Close\r\n\r\n")?.closes == true)
    #expect(try scanResponse("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n")?.closes == false)
  }
}

@Suite("A connection's responses")
struct ResponseReaderTests {
  static let switching = "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"

  @Test("come one for each request, interim heads before theirs")
  func several() {
    let raw =
      "HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
      + "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
      + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: 1\r\n\r\n"
    let transcript = readResponses(
      [bytes(raw)], to: [.init(), .init(isHead: true), .init()])
    #expect(transcript.fault == nil)
    #expect(transcript.interim == ["HTTP/1.1 103 E\r\nLink: a\r\n\r\n"])
    #expect(transcript.whole.map(\.body) == ["ab", "", "1\r\nx\r\n0\r\nT: 1\r\n\r\n"])
  }

  @Test("that nobody asked for are a fault")
  func unasked() {
    let raw = "HTTP/1.1 204 N\r\n\r\n"
    #expect(readResponses([bytes(raw + raw)]).fault == .malformed(.unasked))
    #expect(readResponses([bytes(raw)], to: []).fault == .malformed(.unasked))
  }

  @Test("leave nothing of one in the next")
  func fresh() throws {
    var scanner = ResponseScanner()
    let first = bytes(
      "HTTP/1.0 500 X\r\nUpgrade: x\r\nConnection: close, x, upgrade\r\nContent-Length: 3\r\n\r\n")
    #expect(try scanner.scan(first.span))
    scanner.reset()
    let second = bytes("HTTP/1.1 200\r\nConnection: upgrade\r\nx: 1\r\n\r\n")
    #expect(try scanner.scan(second.span))
    let head = scanner.head
    #expect(head.status == 200 && head.reason.isEmpty && head.minorVersion == 1)
    #expect(!head.upgrade && !head.closes && head.announced == .none)
    #expect(head.fields.map(\.named) == [false, false])
  }

  @Test("end at the connection's end only if they may")
  func end() {
    let open = readResponse("HTTP/1.1 200 OK\r\n\r\nabc", closed: true)
    #expect(open.whole.map(\.body) == ["abc"])
    for half in [
      "", "HTTP/1.1 200", "HTTP/1.1 100 C\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
      #expect(readResponse(half, closed: true).fault == .truncated, "\(half)")
    }
  }

  @Test("switch only if that was asked for and is said in full")
  func switched() {
    let asked = RequestContext(upgrade: true)
    let transcript = readResponse(Self.switching + "\0\u{ff}", to: asked)
    #expect(transcript.fault == nil)
    #expect(transcript.unread == "\0\u{ff}")
    #expect(readResponse(Self.switching).fault == .malformed(.unexpectedUpgrade))
    let bare = "HTTP/1.1 101 S\r\n\r\n"
    #expect(readResponse(bare, to: asked).fault == .malformed(.unexpectedUpgrade))
  }
}
