import HTTPMessage
import NIOCore
import NIOHPACK
import Testing
import TunnelCore

@testable import RelayServer

/// HTTP/2 requests as HTTP/1.1 messages. What is refused end to end is in `test_http2.py`.
@Suite("canonical request")
struct CanonicalRequestTests {
  private func fields(
    _ method: String = "GET", _ path: String = "/", _ more: [(String, String)] = []
  ) -> HPACKHeaders {
    HPACKHeaders(
      [
        (":method", method), (":path", path), (":scheme", "https"), (":authority", "mine.example"),
      ] + more)
  }

  private func text(_ fields: HPACKHeaders, isWhole: Bool = true) throws -> String {
    String(buffer: try CanonicalRequest(fields, isWhole: isWhole).bytes)
  }

  @Test("a request is its line, Host, and its fields in their order")
  func plain() throws {
    let more = [("b", "2"), ("a", "1"), ("b", "3, 4")]
    #expect(
      try text(fields("GET", "/x?y", more))
        == "GET /x?y HTTP/1.1\r\nHost: mine.example\r\nb: 2\r\na: 1\r\nb: 3, 4\r\n\r\n")
  }

  @Test("a body is announced as it will be written")
  func bodies() throws {
    let length = [("content-length", "3")]
    #expect(try CanonicalRequest(fields("POST", "/", length), isWhole: false).body == .plain)
    #expect(try CanonicalRequest(fields("POST"), isWhole: false).body == .chunked)
    #expect(try CanonicalRequest(fields("POST"), isWhole: true).body == .none)
    #expect(
      try text(fields("POST"), isWhole: false).hasSuffix("transfer-encoding: chunked\r\n\r\n"))
    #expect(try text(fields("PUT")).hasSuffix("content-length: 0\r\n\r\n"))
    // Trailers need chunks: then the length, which they make superfluous, goes.
    let trailing = try text(
      fields("POST", "/", length + [("trailer", "x-sum")]), isWhole: false)
    #expect(trailing.contains("transfer-encoding: chunked") && !trailing.contains("length"))
  }

  @Test("the same host in Host is no second one, another is misdirected")
  func hosts() throws {
    #expect(try !text(fields("GET", "/", [("host", "MINE.example")])).contains("MINE"))
    let refusal = #expect(throws: Refusal.self) {
      try text(fields("GET", "/", [("host", "other.example")]))
    }
    #expect(refusal?.code == .misdirected)
  }

  @Test("no field's bytes can make a second line, and whatever passes scans to the same fields")
  func everyByte() throws {
    var random = SmallRandom(seed: 7)
    for byte in UInt8.min...UInt8.max {
      let piece = String(UnicodeScalar(byte))
      for (name, value) in [("x\(piece)y", "1"), ("x", "a\(piece)b"), ("x", "a\(piece)")] {
        guard
          let bytes = try? CanonicalRequest(
            fields("GET", "/", [(name, value), ("z", "\(random.next())")]), isWhole: true
          ).bytes
        else { continue }
        var reader = RequestReader()
        guard case .head(let length)? = try? reader.next(bytes.readableBytesUInt8Span) else {
          continue  // Refused by the scanner: as good.
        }
        #expect(length == bytes.readableBytes && reader.head.fields.count == 3)
      }
      for path in ["/\(piece)", "/a\(piece)b"] {
        guard let bytes = try? CanonicalRequest(fields("GET", path), isWhole: true).bytes
        else { continue }
        var reader = RequestReader()
        guard case .head(let length)? = try? reader.next(bytes.readableBytesUInt8Span) else {
          continue
        }
        #expect(length == bytes.readableBytes && reader.head.fields.count == 1)
      }
    }
  }
}
