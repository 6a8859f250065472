import Testing

@testable import TunnelCore

@Suite("Base64")
struct Base64Tests {
  @Test(
    "the examples of RFC 4648, section 10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func examples(_ plain: String, _ text: String) {
    #expect(Base64.encode(plain.utf8) == text)
  }

  @Test("the last digits of the alphabet")
  func last() {
    #expect(Base64.encode([0xfb, 0xff, 0xbf]) == "+/+/")
    #expect(Base64.encode([0xff]) == "/w==")
  }
}
