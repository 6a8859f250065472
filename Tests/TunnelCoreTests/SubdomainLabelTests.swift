import Testing

@testable import TunnelCore

@Suite struct SubdomainLabelTests {
  @Test("a label has 3 to 63 characters out of a-z, 0-9 and hyphens")
  func lengths() throws {
    #expect(try SubdomainLabel("Shop").text == "shop")
    #expect(try SubdomainLabel("a-1").text == "a-1")
    #expect(throws: NameFault.tooShort("ab", limit: 3)) { try SubdomainLabel("ab") }
    let longest = String(repeating: "a", count: 63)
    #expect(try SubdomainLabel(longest).text == longest)
    #expect(throws: NameFault.self) { try SubdomainLabel(longest + "a") }
    for bad in ["", "a.b", "a.b.c", "shop.", "-ab", "ab-", "a_b", "a b", "a:b"] {
      #expect(throws: NameFault.self) { try SubdomainLabel(bad) }
    }
  }

  @Test(
    "reserved labels are refused in every case",
    arguments: ["www", "API", "admin", "mail", "localhost", "xn--abc", "ab--c", "acme-challenge"])
  func reserved(label: String) {
    #expect(throws: NameFault.reserved(label.lowercased())) { try SubdomainLabel(label) }
  }

  @Test("a readable label is a valid one, and two are hardly ever the same")
  func readable() throws {
    var generator = SmallRandom(seed: 5)
    var seen: Set<String> = []
    for _ in 0..<1_000 {
      let label = SubdomainLabel.readable(using: &generator)
      #expect(try SubdomainLabel(label.text) == label)
      #expect(label.text.split(separator: "-").count == 3)
      seen.insert(label.text)
    }
    #expect(seen.count > 990)
  }
}
