import HTTPMessage
import Testing

@Suite("A limit holds to the byte")
struct LimitTests {
  static let host = "Host: a\r\n"

  func fill(_ count: Int) -> String { String(repeating: "a", count: count) }

  @Test("of the request line")
  func line() throws {
    var limits = HeadLimits()
    limits.line = 40
    // `GET /` and ` HTTP/1.1` are 14 bytes.
    let good = "GET /\(fill(26)) HTTP/1.1\r\n\(Self.host)\r\n"
    #expect(try scanRequest(good, limits: limits) != nil)
    #expect(throws: MessageFault.uriTooLong) {
      try scanRequest("GET /\(fill(27)) HTTP/1.1\r\n\(Self.host)\r\n", limits: limits)
    }
    #expect(throws: MessageFault.uriTooLong) {
      try scanRequest("GET /\(fill(36))", limits: limits)
    }
  }

  @Test("of the request line, with 70 kB by default")
  func longTarget() {
    #expect(throws: MessageFault.uriTooLong) {
      try scanRequest("GET /\(fill(70_000)) HTTP/1.1\r\n\(Self.host)\r\n")
    }
  }

  @Test("of one field")
  func field() throws {
    var limits = HeadLimits()
    limits.field = 20
    let start = "GET / HTTP/1.1\r\n\(Self.host)"
    #expect(try scanRequest("\(start)X:\(fill(18))\r\n\r\n", limits: limits) != nil)
    for line in ["X:\(fill(19))\r\n\r\n", "\(fill(20)):\r\n\r\n", fill(21)] {
      #expect(throws: MessageFault.headerTooLarge) {
        try scanRequest(start + line, limits: limits)
      }
    }
  }

  @Test("of all fields together")
  func fields() throws {
    var limits = HeadLimits()
    limits.fields = 40
    let start = "GET / HTTP/1.1\r\n\(Self.host)"
    // The last line's CR stands 40 bytes behind the first line's start: 9 + 31.
    #expect(try scanRequest("\(start)X:\(fill(29))\r\n\r\n", limits: limits) != nil)
    #expect(throws: MessageFault.headerTooLarge) {
      try scanRequest("\(start)X:\(fill(30))\r\n\r\n", limits: limits)
    }
    #expect(throws: MessageFault.headerTooLarge) {
      try scanRequest("\(start)X:\(fill(29))\r\nY:\r\n\r\n", limits: limits)
    }
  }

  @Test("of the fields' count", arguments: [99, 100])
  func count(_ more: Int) {
    let lines = String(repeating: "X: y\r\n", count: more)
    let transcript = readRequests("GET / HTTP/1.1\r\n\(Self.host)\(lines)\r\n")
    #expect(transcript.fault == (more == 99 ? nil : .headerTooLarge))
    let response = readResponse("HTTP/1.1 204 N\r\nY: z\r\n\(lines)\r\n")
    #expect(response.fault == (more == 99 ? nil : .headerTooLarge))
  }

  @Test("of the names in Connection", arguments: [32, 33])
  func named(_ count: Int) {
    let names = (0..<count).map { "x\($0)" }.joined(separator: ",")
    let raw = "GET / HTTP/1.1\r\n\(Self.host)Connection: \(names)\r\n\r\n"
    #expect(readRequests(raw).fault == (count == 32 ? nil : .malformed(.connection)))
  }

  @Test("of the status line")
  func statusLine() throws {
    var limits = HeadLimits()
    limits.line = 20
    #expect(try scanResponse("HTTP/1.1 200 \(fill(7))\r\n\r\n", limits: limits) != nil)
    #expect(throws: MessageFault.headerTooLarge) {
      try scanResponse("HTTP/1.1 200 \(fill(8))\r\n\r\n", limits: limits)
    }
  }

  @Test("of a chunk's size line")
  func chunkLine() {
    var limits = HeadLimits()
    limits.chunkLine = 10
    let head = "POST / HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\n\r\n"
    let good = readRequests("\(head)3;\(fill(8))\r\nabc\r\n0\r\n\r\n", limits: limits)
    #expect(good.whole.count == 1)
    for line in ["3;\(fill(9))\r\n", "3;\(fill(10))"] {
      let bad = readRequests(head + line, limits: limits)
      #expect(bad.fault == .malformed(.chunkLine))
    }
  }

  @Test("of trailers, by bytes and by count")
  func trailers() {
    var limits = HeadLimits()
    limits.trailers = 20
    limits.count = 3
    let head = "POST / HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\n\r\n0\r\n"
    #expect(readRequests("\(head)X:\(fill(18))\r\n\r\n", limits: limits).whole.count == 1)
    #expect(readRequests("\(head)X:\(fill(19))\r\n\r\n", limits: limits).fault == .headerTooLarge)
    #expect(readRequests("\(head)X:\r\nX:\r\nX:\r\n\r\n", limits: limits).whole.count == 1)
    #expect(
      readRequests("\(head)X:\r\nX:\r\nX:\r\nX:\r\n\r\n", limits: limits).fault
        == .headerTooLarge)
  }

  @Test("of interim responses", arguments: [32, 33])
  func interim(_ count: Int) {
    let early = String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: count)
    let transcript = readResponse(early + "HTTP/1.1 204 N\r\n\r\n")
    #expect(transcript.fault == (count == 32 ? nil : .malformed(.interimCount)))
    #expect(transcript.whole.count == (count == 32 ? 1 : 0))
  }

  @Test("of interim responses, counted anew for each request")
  func interimAnew() {
    var limits = HeadLimits()
    limits.interim = 1
    let raw = "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n"
    let transcript = readResponses(
      [bytes(raw + raw)], to: [.init(), .init()], limits: limits)
    #expect(transcript.whole.count == 2)
  }
}
