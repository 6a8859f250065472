import HTTPMessage
import Testing

@Suite("Bytes in pieces")
struct PiecesTests {
  static let requests = [
    "\r\nPOST http://a.example/x HTTP/1.1\r\nHost: a.example\r\nConnection: foo , close\r\n"
      + "Foo: bar\r\nX-Long-Name-Here:  some value, and more \t\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "5;x\r\nhello\r\n0\r\nT: u\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\n\r\n", String(repeating: "M", count: 60) + " \u{1}",
    "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "y", count: 30))\u{7}\r\n\r\n",
  ]

  @Test("read like one piece, cut anywhere or byte by byte", arguments: requests)
  func cutRequest(_ raw: String) {
    let all = bytes(raw)
    let whole = readRequests([all])
    for cut in 0...all.count {
      #expect(readRequests(pieces(all, at: [cut])) == whole, "cut at \(cut)")
    }
    #expect(readRequests(all.map { [$0] }) == whole)
  }

  static let responses = [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: a b\r\nTransfer-Encoding: chunked\r\n"
      + "\r\n4\r\nabcd\r\n0\r\n\r\n",
    "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\nX: y\r\n\r\n",
    "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n",
    "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
  ]

  @Test("of responses read like one piece too", arguments: responses)
  func cutResponse(_ raw: String) {
    let all = bytes(raw)
    let whole = readResponses([all])
    for cut in 0...all.count {
      #expect(readResponses(pieces(all, at: [cut])) == whole, "cut at \(cut)")
    }
    #expect(readResponses(all.map { [$0] }) == whole)
  }

  @Test("give the same head as the whole, every range of it")
  func sameHead() throws {
    let all = bytes(Self.requests[0])
    var whole = RequestScanner()
    #expect(try whole.scan(all.span))
    var dripped = RequestScanner()
    var count = 0
    while try !dripped.scan(all.span.extracting(first: count)) { count += 1 }
    #expect(count == whole.head.length)
    #expect(dripped.head.fields == whole.head.fields)
    #expect(dripped.head.target == whole.head.target)
    #expect(dripped.head.form == whole.head.form)
    #expect(dripped.head.host == whole.head.host)
    #expect(dripped.head.framing == whole.head.framing)
    #expect(dripped.head.leading == 2)
  }

  @Test("hit a limit at the same byte as the whole")
  func sameLimit() {
    var limits = HeadLimits()
    limits.line = 20
    limits.field = 12
    limits.fields = 30
    limits.count = 3
    for raw in [
      "GET /aaaaaaaaaaaaaaaaaaaaaa", "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaa\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nA: aaaaa\r\nB: bbbbbbbbb\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nAAAAAAAAAAAAAAAAA: b\r\n\r\n",
    ] {
      let all = bytes(raw)
      let whole = readRequests([all], limits: limits)
      #expect(whole.fault == .headerTooLarge || whole.fault == .uriTooLong, "\(raw)")
      #expect(readRequests(all.map { [$0] }, limits: limits) == whole, "\(raw)")
    }
  }

  @Test("at random, mutated at random, never trap and read like the whole", arguments: 1...8)
  func walk(_ seed: UInt64) {
    var random = Seeded(state: seed)
    let odd = bytes("\r\n \t:;,/*#@_\0\u{7f}\u{ff}0aH")
    for _ in 0..<400 {
      let isRequest = Bool.random(using: &random)
      let seeds = isRequest ? Self.requests : Self.responses
      var all = bytes(seeds[Int.random(in: 0..<seeds.count, using: &random)])
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let at = Int.random(in: 0..<all.count, using: &random)
        let byte = odd[Int.random(in: 0..<odd.count, using: &random)]
        switch UInt8.random(in: 0...3, using: &random) {
        case 0: all[at] = byte
        case 1: all.insert(byte, at: at)
        case 2: if all.count > 1 { all.remove(at: at) }
        default: all[at] = UInt8.random(in: 0...255, using: &random)
        }
      }
      let count = Int.random(in: 1...6, using: &random)
      let cuts = (0..<count).map { _ in Int.random(in: 0...all.count, using: &random) }.sorted()
      let cut = pieces(all, at: cuts)
      if isRequest {
        #expect(readRequests(cut) == readRequests([all]), "\(text(all)) at \(cuts)")
      } else {
        #expect(readResponses(cut) == readResponses([all]), "\(text(all)) at \(cuts)")
      }
    }
  }
}
