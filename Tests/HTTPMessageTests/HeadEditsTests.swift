import HTTPMessage
import Testing

/// What policies change in a head, besides what is always changed.
@Suite("head edits")
struct HeadEditsTests {
  private static let added = RequestEditTests.added
  private static let start = "GET / HTTP/1.1\r\n"

  @Test("fields go in every case and with `_`, lines are added before the relay's own")
  func request() throws {
    let edits = HeadEdits(removed: ["Cookie", "X_User"], added: ["X-User: dev", "A: b"])
    let raw =
      "Host: a\r\ncookie: 1\r\nX-User: root\r\nCookie2: 2\r\nx_user: x\r\nX-Users: y\r\n"
      + "COOKIE:\r\n\r\n"
    #expect(
      try edited(Self.start + raw, edits: edits)
        == Self.start + "Host: a\r\nCookie2: 2\r\nX-Users: y\r\nX-User: dev\r\nA: b\r\n"
        + Self.added + "\r\n")
  }

  @Test(
    "Host's value changes where it stands, and X-Forwarded-Host keeps the sent one",
    arguments: [
      "Host: a\r\nX: 1\r\n", "X: 1\r\nhOST:\t a \r\n", "X: 1\r\nConnection: x\r\nHost:a\r\n",
    ])
  func host(_ fields: String) throws {
    let edits = HeadEdits(removed: [], added: [], host: "localhost:3000")
    let output = try edited(Self.start + fields + "\r\n", edits: edits)
    let head = try #require(try scanRequest(output))
    let host = try #require(head.host)
    #expect(text(bytes(output)[host.range]) == "localhost:3000")
    #expect(output.hasSuffix(Self.added + "\r\n"))
    let plain = try edited(Self.start + fields + "\r\n")
    #expect(output == plain.replacing(/(?i)(\r\nhost:\s*)a/) { "\($0.output.1)localhost:3000" })
  }

  @Test("what is dropped anyway and what goes do not meet")
  func both() throws {
    let edits = HeadEdits(removed: ["x", "a"], added: [])
    let raw =
      "A: 1\r\nX: 1\r\nConnection: x, b\r\nX: 2\r\nTE: gzip\r\nHost: a\r\nB: 1\r\nA: 2\r\n\r\n"
    #expect(
      try edited(Self.start + raw, edits: edits)
        == Self.start + "Host: a\r\n" + Self.added + "\r\n")
  }

  @Test("an upgrade's and an absolute target's edits go along")
  func upgrade() throws {
    let edits = HeadEdits(removed: ["origin"], added: ["O: 1"], host: "b")
    let raw =
      "GET http://a/x HTTP/1.1\r\nHost: a\r\nOrigin: o\r\nConnection: upgrade\r\nUpgrade: w\r\n\r\n"
    #expect(
      try edited(raw, edits: edits)
        == "GET /x HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: w\r\nO: 1\r\n"
        + Self.added + "\r\n")
  }

  private static let answer = HeadEdits(removed: ["Server"], added: ["X-From: tunnel"])

  @Test(
    "an answer's head, and a switch's, but no interim one",
    arguments: [
      ("200 OK", "SERVER: a\r\nX: 1\r\n", "X: 1\r\nX-From: tunnel\r\nConnection: close\r\n"),
      ("304 N", "X: 1\r\nServer: a\r\n", "X: 1\r\nX-From: tunnel\r\nConnection: close\r\n"),
      (
        "101 S", "Connection: upgrade\r\nServer: a\r\nUpgrade: w\r\n",
        "Connection: Upgrade\r\nUpgrade: w\r\nX-From: tunnel\r\n"
      ),
      ("103 E", "Server: a\r\n", "Server: a\r\n"), ("100 C", "", ""),
    ])
  func response(_ status: String, _ fields: String, _ left: String) throws {
    let line = "HTTP/1.1 \(status)\r\n"
    #expect(
      try editedResponse("\(line)\(fields)\r\n", close: true, edits: Self.answer)
        == line + left + "\r\n")
  }

  @Test("a head at every limit is not too large for the agent with all that policies may add")
  func limits() throws {
    var raw = "GET / HTTP/1.1\r\nHost: a\r\n"
    let limits = HeadLimits()
    for number in 0..<(limits.count - 1) {
      raw += "X-\(100 + number): " + String(repeating: "v", count: 640) + "\r\n"
    }
    let line = String(repeating: "y", count: HeadEdits.mostBytes / HeadEdits.mostLines - 5)
    let edits = HeadEdits(
      removed: [], added: Array(repeating: "Y: \(line)", count: HeadEdits.mostLines),
      host: String(repeating: "h", count: 253) + ":65535")
    let output = bytes(try edited(raw + "\r\n", edits: edits))
    var reader = RequestReader(limits: .edited)
    guard case .head(let length) = try reader.next(output.span) else {
      Issue.record("no head")
      return
    }
    #expect(length == output.count)
    #expect(reader.head.fields.count == limits.count + HeadEdits.mostLines + 3)
  }
}
