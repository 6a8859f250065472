import Testing

@testable import TunnelCore

@Suite("edits of header fields")
struct FieldEditsTests {
  @Test(
    "a line: a name, a colon, a value without the blanks around it",
    arguments: [
      ("X-Env: dev", "X-Env: dev"), ("X-Env:dev", "X-Env: dev"), ("X-Env:  a\tb \t", "X-Env: a\tb"),
      ("X-Env:", "X-Env: "), ("x: a: b", "x: a: b"), ("X: ü", "X: ü"),
      ("x!#$%&'*+-.^_`|~1: y", nil),
    ] as [(String, String?)])
  func lines(_ text: String, _ line: String?) throws {
    #expect(try FieldEdits.Line(text).description == line ?? text)
  }

  @Test(
    "what is no line",
    arguments: [
      "", "X-Env", ": a", "X Env: a", "X-Env : a", "X\u{e4}: a", "X: a\nY: b", "X: a\rY: b",
      "X: a\u{0}", "X: \u{7f}", "X\n: a", "(X): a",
      String(repeating: "x", count: 257) + ": a",
    ])
  func faults(_ text: String) { #expect(throws: PolicyFault.self) { try FieldEdits.Line(text) } }

  @Test(
    "names that frame a message, are about one connection, or are the relay's own",
    arguments: [
      "Host", "hOsT", "Content-Length", "content_length", "Transfer-Encoding", "Trailer", "Expect",
      "Connection", "Keep-Alive", "keep_alive", "TE", "Upgrade", "Proxy-Connection",
      "Proxy-Authenticate", "Proxy-Authorization", "X-Forwarded-For", "x_forwarded_for",
      "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Tunnel-Error", "TUNNEL_X",
    ])
  func owned(_ name: String) {
    #expect(throws: PolicyFault.self) { try FieldEdits.name(name) }
    #expect(throws: PolicyFault.self) { try FieldEdits.Line("\(name): a") }
  }

  @Test(
    "all others are the user's",
    arguments: [
      "Authorization", "Cookie", "Set-Cookie", "Forwarded", "Via", "Date", "Hosts", "Tea",
    ])
  func others(_ name: String) throws { #expect(try FieldEdits.name(name) == name) }

  @Test(
    "a value for Host",
    arguments: [
      ("localhost:3000", true), ("shop.internal", true), ("127.0.0.1:80", true), ("[::1]:80", true),
      ("A.example", true), ("", false), ("a b", false), ("a:", false), ("a:x", false),
      ("a:70000", false), ("http://a", false), ("a/b", false), ("::1", false), ("a\r\nX: b", false),
      ("a,b", false), ("-a", false),
    ])
  func hosts(_ text: String, _ isGood: Bool) {
    #expect(((try? HostValue(text)) != nil) == isGood)
  }
}
