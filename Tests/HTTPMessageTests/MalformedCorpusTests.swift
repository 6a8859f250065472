import HTTPMessage
import Testing

/// The corpus of malformed and ambiguous requests that the relay as a whole is held to, here
/// against the reader alone: how many messages it may read to their end.
struct CorpusCase: Sendable, CustomStringConvertible {
  enum Expectation {
    /// None, and a fault.
    case refused
    /// A fault with a status of its own.
    case refusedAs([MessageFault])
    case one, two
    /// Refused, or exactly one; never two.
    case atMostOne
  }

  let id: String
  let raw: String
  let expectation: Expectation
  var description: String { id }

  init(_ id: String, _ raw: String, _ expectation: Expectation) {
    self.id = id
    self.raw = raw
    self.expectation = expectation
  }

  static let host = "Host: alice.tunnel.test\r\n"
  static let get = "GET / HTTP/1.1\r\n\(host)\r\n"
  static let smuggled = "GET /smuggled HTTP/1.1\r\n\(host)\r\n"
  static let chunked = "Transfer-Encoding: chunked\r\n"

  static func post(_ fields: String, _ body: String = "") -> String {
    "POST /p HTTP/1.1\r\n\(host)\(fields)\r\n\(body)"
  }

  static func line(_ line: String) -> String { "\(line)\r\n\(host)\r\n" }

  static func fields(_ fields: String) -> String { "GET / HTTP/1.1\r\n\(fields)\r\n" }
}

@Suite("The corpus of malformed requests")
struct MalformedCorpusTests {
  typealias C = CorpusCase

  static let good: [CorpusCase] = [
    C("B01", C.get, .one), C("B02", C.get + C.get, .two),
    C("B03", C.post("Content-Length: 3\r\n", "abc"), .one),
    C("B04", C.post(C.chunked, "3\r\nabc\r\n0\r\n\r\n"), .one),
    C("B05", C.post(C.chunked, "3;ext=1\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"), .one),
    C("B06", "\r\n" + C.get, .one),
    C("B07", C.line("GET http://alice.tunnel.test/abs HTTP/1.1"), .one),
    C("B08", C.line("OPTIONS * HTTP/1.1"), .one),
    C("S10", C.post("Content-Length: 3 \r\n", "abc"), .one),
    C("L18", "PROPFIND / HTTP/1.1\r\n\(C.host)Content-Length: 0\r\n\r\n", .one),
    C("L19", "FOOBAR / HTTP/1.1\r\n\(C.host)Content-Length: 0\r\n\r\n", .one),
    C("L26", C.line("GET /../../etc/passwd HTTP/1.1"), .one),
    C("H17", C.fields("\(C.host)X-Forwarded-Host: bob.tunnel.test\r\n"), .one),
    C("X14", C.get + "GARBAGE\r\n\r\n", .atMostOne),
  ]

  static let framing: [CorpusCase] = [
    C("S01", C.post("Content-Length: 5\r\n\(C.chunked)", "0\r\n\r\n" + C.smuggled), .refused),
    C("S02", C.post("\(C.chunked)Content-Length: 5\r\n", "0\r\n\r\n" + C.smuggled), .refused),
    C("S04", C.post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), .refused),
    C("S05", C.post("Content-Length: 3, 3\r\n", "abc"), .refused),
    C("S06", C.post("Content-Length: 3, 30\r\n", "abc" + C.smuggled), .refused),
    C("S09", C.post("Content-Length: 0x3\r\n", "abc"), .refused),
    C("S17", C.post("Content-Length: 3\u{0b}\r\n", "abc"), .refused),
    C("S22", C.post(" Content-Length: 3\r\n", "abc"), .refused),
    C("S27", C.post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), .refused),
    C("S28", C.post("Transfer-Encoding: identity\r\n", C.smuggled), .refused),
    C("S32", C.post(C.chunked + C.chunked, "0\r\n\r\n"), .refused),
    C("S34", C.post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), .refused),
    C("S35", C.post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), .refused),
    C("S36", C.post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), .refused),
    C("S37", C.post("Transfer_Encoding: chunked\r\n", "0\r\n\r\n"), .refused),
    C("S38", C.post("Foo: bar\r\n\r\(C.chunked)", "0\r\n\r\n" + C.smuggled), .refused),
    C("S40", C.post("X: a\r\(C.chunked)", "0\r\n\r\n"), .refused),
    C("S43", C.post("Transfer-Encoding: chunked;q=0\r\n", "0\r\n\r\n"), .refused),
    C("S44", C.post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), .refused),
    C("S48", C.post("Transfer-Encoding: \r\n", "0\r\n\r\n" + C.smuggled), .refused),
    C("K02", C.post(C.chunked, "+3\r\nabc\r\n0\r\n\r\n"), .refused),
    C("K03", C.post(C.chunked, "-1\r\nabc\r\n0\r\n\r\n"), .refused),
    C("K04", C.post(C.chunked, "3 \r\nabc\r\n0\r\n\r\n"), .refused),
    C("K08", C.post(C.chunked, "3\r\nabc\n0\r\n\r\n"), .refused),
    C("K12", C.post(C.chunked, "ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), .refused),
    C("K15", C.post(C.chunked, "3;a\nb\r\nabc\r\n0\r\n\r\n"), .refused),
    C("K16", C.post(C.chunked, "3;a\rb\r\nabc\r\n0\r\n\r\n"), .refused),
    C(
      "K19",
      C.post(
        C.chunked, "3\r\nabc\r\n0\r\n" + String(repeating: "T: 1\r\n", count: 20_000) + "\r\n"),
      .refused),
    C("K20", C.post(C.chunked, "3\r\nabc\r\n0\r\n\rX" + C.smuggled), .refused),
  ]

  static let heads: [CorpusCase] = [
    C("L01", "GET / HTTP/1.1\nHost: alice.tunnel.test\n\n", .refused),
    C("L02", C.line("GET  / HTTP/1.1"), .refused), C("L03", C.line("GET\t/ HTTP/1.1"), .refused),
    C("L04", C.line(" GET / HTTP/1.1"), .refused), C("L05", C.line("GET / HTTP/1.1 "), .refused),
    C("L07", C.line("GET /\0 HTTP/1.1"), .refused),
    C("L08", C.line("GET /\u{7f}\u{ff} HTTP/1.1"), .refused),
    C("L09", C.line("GET / HTTP/1.2"), .refused), C("L12", C.line("GET / http/1.1"), .refused),
    C("L13", C.line("GET / HTTP/1,1"), .refused), C("L15", C.line("GET / HTTP/0.9"), .refused),
    C("L20", "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n", .refused),
    C(
      "L22", C.line("GET /\(String(repeating: "a", count: 70_000)) HTTP/1.1"),
      .refusedAs([.uriTooLong])),
    C("H01", C.fields(""), .refusedAs([.malformed(.hostMissing)])),
    C(
      "H02", C.fields("\(C.host)Host: bob.tunnel.test\r\n"),
      .refusedAs([.malformed(.hostTwice)])),
    C("H05", C.fields("Host: alice.tunnel.test, bob.tunnel.test\r\n"), .refused),
    C("H07", C.fields("Host: alice.tunnel.test/x\r\n"), .refused),
    C("H10", C.line("GET http://bob.tunnel.test/ HTTP/1.1"), .refused),
    C("H11", C.fields(" \(C.host)"), .refused),
    C("H13", C.fields("Host: alice.tunnel.test\0.evil\r\n"), .refused),
    C("H15", C.fields("Host: xn--\u{ff}.tunnel.test\r\n"), .refused),
    // Whether a name is too long is for those to say who route by it.
    C(
      "H16", C.fields("Host: \(String(repeating: "a", count: 300)).tunnel.test\r\n"),
      .atMostOne),
    C(
      "X01", C.fields("\(C.host)X: \(String(repeating: "a", count: 100_000))\r\n"),
      .refusedAs([.headerTooLarge])),
    C("X03", C.fields("\(C.host): novalue\r\n"), .refused),
    C("X05", C.fields("\(C.host)X\u{e9}: 1\r\n"), .refused),
    C("X08", C.fields("\(C.host)X: a\r\n b\r\n"), .refused),
  ]

  @Test("holds", arguments: good + framing + heads)
  func holds(_ corpus: CorpusCase) {
    let transcript = readRequests(corpus.raw)
    let count = transcript.whole.count
    switch corpus.expectation {
    case .refused:
      #expect(count == 0)
      #expect(transcript.fault != nil)
    case .refusedAs(let faults):
      #expect(count == 0)
      #expect(transcript.fault.map(faults.contains) == true)
    case .one:
      #expect(count == 1)
      #expect(transcript.fault == nil)
    case .two:
      #expect(count == 2)
      #expect(transcript.fault == nil)
    case .atMostOne: #expect(count <= 1)
    }
  }

  @Test("is whole")
  func size() {
    #expect(Set((Self.good + Self.framing + Self.heads).map(\.id)).count == 69)
  }
}
