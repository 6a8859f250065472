import Testing

@testable import TunnelCore

@Suite("basic credentials")
struct BasicCredentialsTests {
  @Test("what a person writes: the first colon parts name and password")
  func typed() throws {
    let typed = try BasicCredentials(typed: "ann:a:b ü")
    #expect(typed.bytes == Array("ann:a:b ü".utf8))
    #expect(typed.description == "ann:…")
    #expect(typed.isShort)
    #expect(try !BasicCredentials(typed: "ann:12345678").isShort)
    #expect(try BasicCredentials(typed: "annannannann:1234567").isShort)
  }

  @Test(
    "what is none",
    arguments: [
      "", "ann", "ann:", ":secret", ":", "ann:a\nb", "ann:a\u{7f}",
      "ann:" + String(repeating: "x", count: 257), String(repeating: "x", count: 257) + ":a",
    ])
  func faults(_ text: String) {
    let fault = #expect(throws: PolicyFault.self) { try BasicCredentials(typed: text) }
    let isTold = text.count > 1 && fault?.message.contains(text) == true
    #expect(!isTold, "a password must not be repeated")
  }

  @Test(
    "an Authorization field of the Basic scheme",
    arguments: [
      ("Basic YW5uOmE=", "ann:a"), ("basic YW5uOmE=", "ann:a"), ("BASIC   YW5uOmE", "ann:a"),
      ("Basic Og==", ":"), ("Basic YW5uOsO8", "ann:ü"), ("Basic YW5uOmE6Yg==", "ann:a:b"),
    ])
  func fields(_ value: String, _ text: String) {
    #expect(BasicCredentials(authorization: value)?.bytes == Array(text.utf8))
  }

  @Test(
    "a field that says nothing",
    arguments: [
      "", "Basic", "Basic ", "Bearer YW5uOmE=", "BasicYW5uOmE=", "Basic YW5u", "Basic YW5uOmE= x",
      "Basic YW5uOmE=, Basic YW5uOmE=", "Basic YW 5uOmE=", "Basic YW5uOmE==", "Basic ann:a",
      "Basic " + Base64.encode(Array(repeating: 0x3a, count: 514)),
      "Basic " + String(repeating: "A", count: 100_000),
    ])
  func nothing(_ value: String) {
    #expect(BasicCredentials(authorization: value) == nil)
  }

  @Test("Base64 is read as it is written, with padding or without")
  func base64() {
    for count in 0..<50 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
      let text = Base64.encode(bytes)
      #expect(Base64.decode(text.utf8) == bytes)
      #expect(Base64.decode(text.utf8.filter { $0 != UInt8(ascii: "=") }) == bytes)
    }
    for wrong in ["A", "AAAAA", "AB==", "AAB=", "A===", "====", "AA=A", "AA-_", "AA A", "AA\n"] {
      #expect(Base64.decode(wrong.utf8) == nil, "\(wrong)")
    }
  }
}
