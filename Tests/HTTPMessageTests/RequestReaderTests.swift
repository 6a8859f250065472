import HTTPMessage
import Testing

@Suite("A connection's requests")
struct RequestReaderTests {
  @Test("come one after the other, bodies untouched")
  func pipelined() {
    let raw =
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      + "\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "2;x\r\nde\r\n0\r\nT: u\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\nGE"
    let transcript = readRequests(raw)
    #expect(transcript.fault == nil)
    #expect(transcript.whole.map(\.body) == ["abc", "2;x\r\nde\r\n0\r\nT: u\r\n\r\n", ""])
    #expect(transcript.unread == "GE")
  }

  @Test("may end between two, not inside one")
  func closed() {
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    #expect(readRequests([bytes(get)], closed: true).fault == nil)
    #expect(readRequests([bytes(get + "G")], closed: true).fault == .truncated)
    let half = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"
    #expect(readRequests([bytes(half)], closed: true).fault == .truncated)
  }

  @Test("stop at an end until they are let on")
  func ends() throws {
    var reader = RequestReader()
    let get = bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(try reader.next(get.span) == .head(get.count))
    #expect(reader.head.method == .get)
    #expect(try reader.next(get.span) == .end)
    #expect(try reader.next(get.span) == .end)
    reader.restart()
    #expect(try reader.next(get.span) == .head(get.count))
  }

  @Test("leave nothing of one in the next")
  func fresh() throws {
    var scanner = RequestScanner()
    let first = bytes(
      "\r\nPOST http://a/ HTTP/1.0\r\nHost: a\r\nConnection: close, upgrade, x\r\nTE: trailers\r\n"
        + "Upgrade: h2c\r\nContent-Length: 3\r\n\r\n")
    #expect(try scanner.scan(first.span))
    scanner.reset()
    let second = bytes(
      "GET / HTTP/1.1\r\nHost: b\r\nx: 1\r\nConnection: upgrade\r\nUpgrade: w\r\n\r\n")
    #expect(try scanner.scan(second.span))
    let head = scanner.head
    #expect(head.leading == 0 && head.method == .get && head.form == .origin)
    #expect(head.minorVersion == 1 && head.framing == .none && head.upgrade)
    #expect(!head.closes && !head.takesTrailers)
    #expect(head.fields.count == 4)
    #expect(head.fields.allSatisfy { !$0.named })
  }
}
