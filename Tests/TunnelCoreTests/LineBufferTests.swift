import Testing

@testable import TunnelCore

@Suite("lines put together byte by byte")
struct LineBufferTests {
  private func written(_ bound: Int, _ body: (inout LinePen) -> Void) -> String {
    var buffer = LineBuffer()
    buffer.write(atMost: bound, body)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  @Test(
    "numbers",
    arguments: [0, 9, 10, 99, 100, 12_345, 9_999_999_999, UInt64.max - 1, UInt64.max])
  func numbers(_ number: UInt64) {
    #expect(written(20) { $0.put(number) } == "\(number)")
  }

  @Test("numbers of a fixed width have zeros in front")
  func widths() {
    #expect(written(3) { $0.put(7, digits: 3) } == "007")
    #expect(written(2) { $0.put(59, digits: 2) } == "59")
  }

  @Test("an id is written as its description, whatever its bits")
  func ids() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let id = ID(high: random.next(), low: random.next())
      let digits = [id.high, id.low].map { half in
        let text = String(half, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
      }.joined()
      #expect(id.description.filter { $0 != "-" } == digits)
      #expect(written(36) { $0.put(id) } == id.description)
      #expect(ID(id.description) == id)
    }
  }

  @Test("what needs escaping in JSON is escaped, bytes that are no UTF-8 are replaced")
  func quoted() {
    let odd = Array("a\"\\\u{01}\u{7f}é".utf8) + [0xff]
    #expect(
      written(100) { $0.putQuoted(odd, odd.indices) } == #""a\"\\\u0001\u007fé\#u{fffd}""#)
    #expect(written(8) { $0.putQuoted([], 0..<0) } == "\"\"")
  }

  @Test("memory grows with what is written and is used again")
  func grows() {
    var buffer = LineBuffer()
    for _ in 0..<3 {
      for number in 0..<2_000 {
        buffer.write(atMost: 30) { line in
          line.put("line ")
          line.put(UInt64(number))
          line.put(UInt8(ascii: "\n"))
        }
      }
      let lines = String(decoding: buffer.bytes, as: UTF8.self).split(separator: "\n")
      #expect(lines.count == 2_000 && lines.last == "line 1999")
      buffer.removeAll()
    }
  }
}
