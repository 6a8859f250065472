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
}
