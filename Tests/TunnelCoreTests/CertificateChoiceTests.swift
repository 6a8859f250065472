import Testing

@testable import TunnelCore

/// Which certificate is for which visitor.
@Suite("choice of a certificate")
struct CertificateChoiceTests {
  private static let choice = CertificateChoice([
    ["usual.example"],
    ["tunnel.example", "*.tunnel.example", "127.0.0.1", "", "*"],
    ["mine.example", "Www.Mine.Example."],
    ["a.tunnel.example"],
  ])

  @Test(
    "the exact name comes first, then one whole label's wildcard, then the first certificate",
    arguments: [
      ("mine.example", 2), ("www.mine.example", 2), ("tunnel.example", 1), ("b.tunnel.example", 1),
      ("a.tunnel.example", 3), ("a.b.tunnel.example", 0), ("other.example", 0),
      ("usual.example", 0), ("example", 0), ("x.www.mine.example", 0),
    ])
  func names(_ name: String, _ place: Int) throws {
    #expect(Self.choice.place(for: try DomainName(name)) == place)
  }

  @Test("a visitor that names nobody gets the first")
  func nobody() {
    #expect(Self.choice.place(for: nil) == 0)
    #expect(Self.choice.shadowed == [])
  }

  @Test("of two for one name the first is shown, and the other is told of")
  func twice() throws {
    let choice = CertificateChoice([["a.example", "*.b.example"], ["A.example", "*.b.example"]])
    #expect(choice.place(for: try DomainName("a.example")) == 0)
    #expect(
      choice.shadowed == [
        .init(name: "A.example", shown: 0, hidden: 1),
        .init(name: "*.b.example", shown: 0, hidden: 1),
      ])
    #expect(CertificateChoice([["a.example", "a.example"]]).shadowed == [])
  }
}
