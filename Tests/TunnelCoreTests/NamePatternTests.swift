import Testing

@testable import TunnelCore

@Suite struct NamePatternTests {
  @Test(
    "a star stands for any part of a label, a dotted pattern for the whole host",
    arguments: [
      ("ci-*", "ci-1.t.example", true),
      ("ci-*", "xci-1.t.example", false), ("ci-*", "ci.t.example", false),
      ("ci-*", "ci-1.x.t.example", false), ("ci-*", "ci-1.example", false),
      ("*", "shop.t.example", true), ("*", "mine.example", false), ("shop", "shop.t.example", true),
      ("shop", "shops.t.example", false), ("*-a*b", "x-aab.t.example", true),
      ("*-a*b", "x-aabc.t.example", false), ("*.mine.example", "a.mine.example", true),
      ("*.mine.example", "mine.example", false), ("a**b", "ab.t.example", true),
    ])
  func matches(pattern: String, host: String, isMatch: Bool) throws {
    let base = try DomainName("t.example")
    let pattern = try #require(NamePattern(pattern))
    let name = try DomainName(host)
    #expect(pattern.matches(name, under: base) == isMatch)
  }

  @Test("what holds anything but name characters and stars is no pattern")
  func invalid() {
    for text in ["", "CI-*", "ci_*", "ci ?", "[a]", "ä*", String(repeating: "*", count: 254)] {
      #expect(NamePattern(text) == nil)
    }
  }

  @Test("many stars against a long name end soon")
  func manyStars() throws {
    let pattern = try #require(NamePattern(String(repeating: "a*", count: 100) + "c"))
    let label = String(repeating: "a", count: 63)
    let base = try DomainName("t.example")
    #expect(!pattern.matches(try DomainName("\(label).t.example"), under: base))
  }
}
