import Testing

@testable import TunnelCore

@Suite struct VisibleTextTests {
  @Test("plain text stays as it is")
  func plain() {
    for text in ["", "GET /a b~", "é🦦ü"] {
      #expect(VisibleText.of(text) == text)
      #expect(VisibleText.of(Array(text.utf8)) == text)
    }
    #expect(VisibleText.of("abc".dropFirst()) == "bc")
  }

  @Test("controls, hidden characters and turned text are written out")
  func hidden() {
    let text = "\u{1b}[2J\r\n\u{7f}\u{9b}é\u{ad}\u{200b}\u{2028}\u{202e}\u{2066}\u{e0041}"
    let shown =
      #"\x1b[2J\x0d\x0a\x7f\x9bé\u{ad}\u{200b}\u{2028}\u{202e}\u{2066}\u{e0041}"#
    #expect(VisibleText.of(text) == shown)
    #expect(VisibleText.of(Array(text.utf8)) == shown)
  }

  @Test(
    "bytes that are no UTF-8 are shown as they are",
    arguments: [
      ([0xff, 0x41], #"\xffA"#), ([0xc3, 0x28], #"\xc3("#), ([0xc3], #"\xc3"#),
      // Overlong, a surrogate, past U+10FFFF.
      ([0xc0, 0xaf], #"\xc0\xaf"#), ([0xed, 0xa0, 0x80], #"\xed\xa0\x80"#),
      ([0xf4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#), ([0xe2, 0x82, 0xac], "€"),
    ] as [([UInt8], String)])
  func bytes(bytes: [UInt8], shown: String) {
    #expect(VisibleText.of(bytes) == shown)
  }
}
