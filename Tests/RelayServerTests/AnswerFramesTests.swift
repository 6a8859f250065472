import HTTPMessage
import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing

@testable import RelayServer

/// HTTP/1.1 answers as frames, whatever pieces they come in.
@Suite("answer frames")
struct AnswerFramesTests {
  /// What a client sees: heads, all data in one, and where the stream ended.
  private struct Seen: Equatable {
    var heads: [[String]] = []
    var body = ""
    var ended = false
    var isOver = false
  }

  private func seen(
    _ answer: String, isHead: Bool = false, by size: Int, ends: Bool = false
  ) throws -> Seen {
    var frames = AnswerFrames(isHead: isHead)
    var seen = Seen()
    var rest = ByteBuffer(string: answer)
    while rest.readableBytes > 0 {
      frames.receive(rest.readSlice(length: min(size, rest.readableBytes)) ?? ByteBuffer())
      while let payload = try frames.next() { take(payload, &seen) }
    }
    if ends, let payload = frames.end() { take(payload, &seen) }
    seen.isOver = frames.isOver
    return seen
  }

  private func take(_ payload: HTTP2Frame.FramePayload, _ seen: inout Seen) {
    #expect(!seen.ended, "something follows the end")
    switch payload {
    case .headers(let part):
      seen.heads.append(part.headers.map { "\($0.name): \($0.value)" })
      seen.ended = part.endStream
    case .data(let part):
      guard case .byteBuffer(let bytes) = part.data else { return }
      #expect(bytes.readableBytes <= AnswerFrames.largest)
      seen.body += String(buffer: bytes)
      seen.ended = part.endStream
    default: Issue.record("no frame of an answer")
    }
  }

  @Test(
    "an answer is the same in pieces of any size",
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: B\r\n\r\nhallo", "hallo", 1),
      ("HTTP/1.1 204 No Content\r\n\r\n", "", 1),
      ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 2),
      (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\none\r\nA\r\n0123456789\r\n"
          + "0\r\n\r\n", "one0123456789", 1
      ),
      (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n"
          + "X-Two: 2\r\n\r\n", "x", 2
      ),
    ])
  func pieces(answer: String, body: String, heads: Int) throws {
    let whole = try seen(answer, by: answer.utf8.count)
    #expect(whole.ended && whole.isOver && whole.body == body && whole.heads.count == heads)
    for size in 1..<answer.utf8.count { #expect(try seen(answer, by: size) == whole) }
  }

  @Test("fields are in lower case, those of one connection are gone")
  func fields() throws {
    let answer =
      "HTTP/1.1 200 OK\r\nX-One: A b\r\nConnection: close\r\nKeep-Alive: timeout=1\r\n"
      + "Transfer-Encoding: chunked\r\nUpgrade: x\r\n\r\n0\r\n\r\n"
    #expect(try seen(answer, by: 999).heads == [[":status: 200", "x-one: A b"]])
  }

  @Test("trailers are a last head")
  func trailers() throws {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n"
    #expect(try seen(answer, by: 7).heads.last == ["x-sum: 1"])
  }

  @Test("an answer to HEAD has no body, whatever it announces")
  func head() throws {
    let seen = try seen("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", isHead: true, by: 3)
    #expect(seen.ended && seen.heads == [[":status: 200", "content-length: 5"]])
  }

  @Test("a body until the end is over when its sender says so, half a one never")
  func ends() throws {
    let open = "HTTP/1.1 200 OK\r\n\r\nabc"
    #expect(try seen(open, by: 4, ends: true).ended)
    #expect(try !seen(open, by: 4).isOver)
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"
    #expect(try !seen(half, by: 4, ends: true).ended)
  }

  @Test("large data leaves in pieces")
  func large() throws {
    let body = String(repeating: "x", count: 50_000)
    for answer in [
      "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n\(body)",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc350\r\n\(body)\r\n0\r\n\r\n",
    ] { #expect(try seen(answer, by: 30_000).body == body) }
  }

  @Test("a value that is no UTF-8 cannot be said")
  func notUTF8() {
    var frames = AnswerFrames(isHead: false)
    var bytes = ByteBuffer(string: "HTTP/1.1 200 OK\r\nX: ")
    bytes.writeBytes([0xe4, 0x0d, 0x0a, 0x0d, 0x0a])
    frames.receive(bytes)
    #expect(throws: MessageFault.self) { try frames.next() }
  }
}
