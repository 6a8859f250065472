import HTTPMessage
import Testing

typealias Reason = MessageFault.Reason

@Suite("A request is refused")
struct RequestFaultTests {
  static let lines: [(String, Reason)] = [
    ("GET / HTTP/1.1\n", .lineEnd), ("GET / HTTP/1.1\rX", .lineEnd), ("\nGET", .lineEnd),
    ("\r\n\r\nGET / HTTP/1.1\r\n", .leading), ("\rGET", .lineEnd),
    ("GET  / HTTP/1.1\r\n", .requestLine), ("GET / HTTP/1.1 \r\n", .requestLine),
    ("GET /a b HTTP/1.1\r\n", .requestLine), ("GET /\r\n", .requestLine),
    ("GARBAGE\r\n", .requestLine), ("GET\t/ HTTP/1.1\r\n", .controlByte),
    ("GET /\0 HTTP/1.1\r\n", .controlByte), ("GET /\u{7f} HTTP/1.1\r\n", .controlByte),
    ("GET /\u{e9} HTTP/1.1\r\n", .controlByte), ("\u{16}\u{3}\u{1}", .controlByte),
    (" GET / HTTP/1.1\r\n", .method), ("G@T / HTTP/1.1\r\n", .method),
    ("G(T / HTTP/1.1\r\n", .method), (String(repeating: "M", count: 33), .method),
    ("CONNECT a.example:443 HTTP/1.1\r\n", .connectMethod),
    ("PRI * HTTP/2.0\r\n", .reservedMethod), ("PRI / HTTP/1.1\r\n", .reservedMethod),
    ("GET /a#b HTTP/1.1\r\n", .target), ("GET a HTTP/1.1\r\n", .target),
    ("GET * HTTP/1.1\r\n", .target), ("OPTIONS ** HTTP/1.1\r\n", .target),
    ("GET ftp://a.example/ HTTP/1.1\r\n", .target), ("GET http:// HTTP/1.1\r\n", .target),
    ("GET http:///x HTTP/1.1\r\n", .target), ("GET http:/x HTTP/1.1\r\n", .target),
    ("GET http://u@a.example/ HTTP/1.1\r\n", .target),
    ("GET http://u:p@a.example/ HTTP/1.1\r\n", .target),
    ("GET http://a.example:x/ HTTP/1.1\r\n", .target),
    ("GET / HTTP/1.2\r\n", .version), ("GET / HTTP/2.0\r\n", .version),
    ("GET / http/1.1\r\n", .version), ("GET / HTTP/1,1\r\n", .version),
    ("GET / HTTP/0.9\r\n", .version), ("GET / HTTP/1.10\r\n", .version),
    ("GET / \r\n", .version),
  ]

  @Test("for its request line", arguments: lines)
  func line(_ raw: String, _ reason: Reason) {
    #expect(throws: MessageFault.malformed(reason)) { try scanRequest(raw) }
  }

  static let fields: [(String, Reason)] = [
    ("X: a\n", .lineEnd), ("X: a\rb\r\n", .lineEnd), ("X\r\n", .lineEnd), ("\n", .lineEnd),
    ("\rX", .lineEnd), ("X: a\r\n\r\r", .lineEnd),
    (" X: a\r\n", .folded), ("X: a\r\n b\r\n", .folded), ("\tX: a\r\n", .folded),
    ("X : a\r\n", .fieldNameSpace), ("X\t: a\r\n", .fieldNameSpace),
    (": a\r\n", .fieldName), ("X\u{e9}: a\r\n", .fieldName), ("X(: a\r\n", .fieldName),
    ("X\0: a\r\n", .fieldName), ("X/Y: a\r\n", .fieldName), ("\"X\": a\r\n", .fieldName),
    ("X: a\0\r\n", .fieldValue), ("X: \u{b}\r\n", .fieldValue), ("X: \u{7f}\r\n", .fieldValue),
    ("X: 12345678\u{1f}12345678\r\n", .fieldValue),
    ("Host: b.example\r\n", .hostTwice), ("HOST: a.example\r\n", .hostTwice),
    ("Content-Length: 3\t\r\n", .framingTab), ("Content-Length:\t3\r\n", .framingTab),
    ("Transfer-Encoding: chunked \t\r\n", .framingTab),
    ("Transfer-Encoding:\tchunked\r\n", .framingTab),
    ("Content-Length: \r\n", .length), ("Content-Length: +3\r\n", .length),
    ("Content-Length: 3, 3\r\n", .length), ("Content-Length: 0x3\r\n", .length),
    ("Content-Length: 3 3\r\n", .length), ("Content-Length: -1\r\n", .length),
    ("Content-Length: 9223372036854775808\r\n", .length),
    ("Content-Length: 99999999999999999999\r\n", .length),
    ("Content-Length: 3\r\nContent-Length: 3\r\n", .lengthTwice),
    ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", .lengthAndCoding),
    ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", .lengthAndCoding),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .codingTwice),
    ("Transfer-Encoding: chunked, identity\r\n", .coding),
    ("Transfer-Encoding: gzip, chunked\r\n", .coding), ("Transfer-Encoding: \r\n", .coding),
    ("Transfer-Encoding: chunked;q=0\r\n", .coding), ("Transfer-Encoding: ,chunked\r\n", .coding),
    ("Transfer-Encoding: xchunked\r\n", .coding), ("Transfer-Encoding: chunkee\r\n", .coding),
    ("Connection: a b\r\n", .connection), ("Connection: \"close\"\r\n", .connection),
    ("Connection: close;x\r\n", .connection),
    ("Connection: Host\r\n", .connectionNames),
    ("Connection: content-length\r\n", .connectionNames),
    ("Connection: close, Transfer-Encoding\r\n", .connectionNames),
    ("Connection: Expect\r\n", .connectionNames), ("Connection: Tunnel-X\r\n", .connectionNames),
    ("Connection: X-Forwarded-For\r\n", .connectionNames),
    ("Connection: X-Forwarded-Proto\r\n", .connectionNames),
    ("Connection: X-Forwarded-Host\r\n", .connectionNames),
  ]

  @Test("for a field", arguments: fields)
  func field(_ lines: String, _ reason: Reason) {
    let raw = "POST / HTTP/1.1\r\nHost: a.example\r\n\(lines)\r\n"
    #expect(throws: MessageFault.malformed(reason)) { try scanRequest(raw) }
  }

  @Test(
    "for a name that is ours but for an underscore",
    arguments: [
      "Content_Length", "transfer_encoding", "Keep_Alive", "Proxy_Connection",
      "PROXY_AUTHENTICATE", "Proxy_Authorization", "X_Forwarded_For", "X-Forwarded_Proto",
      "x_forwarded-host", "Tunnel_Error", "tunnel_", "Tunnel_A_Rather_Long_Name",
    ])
  func alias(_ name: String) {
    let raw = "POST / HTTP/1.1\r\nHost: a.example\r\n\(name): 1\r\n\r\n"
    #expect(throws: MessageFault.malformed(.fieldAlias)) { try scanRequest(raw) }
  }

  @Test(
    "for its Host",
    arguments: [
      "", "a,b", "a.example, b.example", "a/x", "a b", "u@a", "xn--\u{ff}.a", "a:", "a:x",
      "a:123456", ":80", "[", "[]", "[::1", "[::1]x", "[::1]:", "[g]", "a:80:80", "a%41", "a\\b",
      "a?b", "a#b", "http://a",
    ])
  func host(_ value: String) {
    let raw = "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n"
    #expect(throws: MessageFault.malformed(.host)) { try scanRequest(raw) }
  }

  @Test(
    "for its Host, but not for these",
    arguments: ["a", "A-b.c_d", "a.:80", "127.0.0.1:65535", "[::1]", "[::ffff:1.2.3.4]:443"])
  func goodHost(_ value: String) throws {
    #expect(try scanRequest("GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n") != nil)
  }

  static let wholes: [(String, Reason)] = [
    ("GET / HTTP/1.1\r\n\r\n", .hostMissing), ("GET / HTTP/1.1\r\nX: y\r\n\r\n", .hostMissing),
    ("GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", .hostMismatch),
    ("GET http://a.example:80/ HTTP/1.1\r\nHost: a.example\r\n\r\n", .hostMismatch),
    ("GET http://a.example/ HTTP/1.0\r\n\r\n", .hostMismatch),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .codingVersion),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .hostTwice),
  ]

  @Test("for what its parts are together", arguments: wholes)
  func whole(_ raw: String, _ reason: Reason) {
    #expect(throws: MessageFault.malformed(reason)) { try scanRequest(raw) }
  }

  @Test("with a sentence that no other reason has")
  func sentences() {
    let all = Reason.allCases.map(\.description)
    #expect(Set(all).count == all.count)
    #expect(all.allSatisfy { !$0.isEmpty })
  }

  @Test("for every byte that no name or value may hold, and for no other")
  func everyByte() {
    let token = Set(bytes("!#$%&'*+-.^_`|~0123456789")).union(0x41...0x5a).union(0x61...0x7a)
    for byte in UInt8.min...UInt8.max {
      for offset in 0..<9 {
        var name = bytes("XXXXXXXXX")
        name[offset] = byte
        var value = bytes("yyyyyyyyy")
        value[offset] = byte
        let front = bytes("GET / HTTP/1.1\r\nHost: a\r\n")
        let tail = bytes("\r\n\r\n")
        let named = try? RequestScanner.whole(front + name + bytes(":1") + tail)
        // A colon ends the name, which is fine but at its start.
        let nameIsGood = token.contains(byte) || (byte == 0x3a && offset > 0)
        #expect((named == true) == nameIsGood, "name byte \(byte) at \(offset)")
        let valued = try? RequestScanner.whole(front + bytes("X:") + value + tail)
        let valueIsGood = byte == 9 || (byte >= 0x20 && byte != 0x7f)
        #expect((valued == true) == valueIsGood, "value byte \(byte) at \(offset)")
        var target = bytes("/yyyyyyyyy")
        target[offset + 1] = byte
        let line = bytes("GET ") + target + bytes(" HTTP/1.1\r\nHost: a\r\n\r\n")
        let targeted = try? RequestScanner.whole(line)
        let targetIsGood = byte > 0x20 && byte < 0x7f && byte != 0x23
        #expect((targeted == true) == targetIsGood, "target byte \(byte) at \(offset)")
      }
    }
  }
}

extension RequestScanner {
  static func whole(_ bytes: [UInt8]) throws(MessageFault) -> Bool {
    var scanner = RequestScanner()
    return try scanner.scan(bytes.span)
  }
}
