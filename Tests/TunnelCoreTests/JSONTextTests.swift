import Testing

@testable import TunnelCore

@Suite struct JSONTextTests {
  @Test("an object keeps its order and stands on one line")
  func order() {
    let value = JSONText.object([
      ("b", 1), ("a", "x"), ("n", nil), ("t", true), ("l", .array([-2, .object([]), .array([])])),
    ])
    #expect(value.line == #"{"b":1,"a":"x","n":null,"t":true,"l":[-2,{},[]]}"#)
    #expect(JSONText(nil) == .null)
    #expect(JSONText("x") == .string("x"))
  }

  @Test("what could end a string, a line or a terminal's peace is escaped")
  func escapes() {
    let text = "a\"b\\c\n\r\t\u{0}\u{1b}\u{7f}\u{9b}\u{2028}é🦦\r\n"
    let line = #""a\"b\\c\n\r\t\u0000\u001b\u007f\u009b\u2028é🦦\r\n""#
    #expect(JSONText.string(text).line == line)
  }

  @Test("what turns the direction of text or is not seen is escaped, past U+FFFF too")
  func hidden() {
    let text = "\u{61c}\u{200b}\u{200e}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}"
    let line = #""\u061c\u200b\u200e\u202a\u202e\u2066\u2069\ufeff\udb40\udc41""#
    #expect(JSONText.string(text).line == line)
    #expect(JSONText.object([("\u{202e}", 1)]).line == #"{"\u202e":1}"#)
  }

  @Test("bytes that are no UTF-8 become U+FFFD, all others stay")
  func bytes() {
    let bytes = Array("/a\"ü🦦".utf8) + [0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x1b]
    let line = JSONText.bytes(bytes[1...]).line
    #expect(line == "\"a\\\"ü🦦\u{fffd}\u{fffd}(\u{fffd}\u{fffd}\u{fffd}\\u001b\"")
    #expect(JSONText.bytes([]).line == "\"\"")
  }

  @Test("a number that does not fit becomes the nearest")
  func numbers() {
    #expect(JSONText(UInt64.max).line == "9223372036854775807")
    #expect(JSONText(-3).line == "-3")
    #expect(JSONText(UInt8(200)).line == "200")
  }
}
