import Testing

@testable import TunnelCore

@Suite struct DomainNameTests {
  @Test("a name is lowered and loses one final dot")
  func normal() throws {
    #expect(try DomainName("Mine.Example.").text == "mine.example")
    #expect(try DomainName("a-1.b").text == "a-1.b")
    #expect(try DomainName("localhost").text == "localhost")
    #expect(try DomainName("1.example") < DomainName("a.example"))
  }

  static let bad: [(String, NameFault)] = [
    ("", .empty), (".", .empty), ("a..b", .emptyLabel("a..b")), (".a", .emptyLabel(".a")),
    ("a.b..", .emptyLabel("a.b..")), ("-a.b", .hyphenAtEdge("-a")), ("a.b-", .hyphenAtEdge("b-")),
    ("a_b.c", .badCharacter("_", in: "a_b.c")), ("ä.de", .badCharacter("ä", in: "ä.de")),
    ("a b", .badCharacter(" ", in: "a b")), ("a\n", .badCharacter("\n", in: "a\n")),
    ("https://a.b", .notBare("https://a.b")), ("a.b:80", .notBare("a.b:80")),
    ("a.b/c", .notBare("a.b/c")), ("1.2.3.4", .numeric("1.2.3.4")), ("a.1", .numeric("a.1")),
    ("\u{212a}.de", .badCharacter("\u{212a}", in: "\u{212a}.de")),
  ]

  @Test("what is no host name is refused with its reason and a way to mend it", arguments: bad)
  func invalid(text: String, fault: NameFault) {
    #expect(throws: fault) { try DomainName(text) }
    #expect(!fault.description.isEmpty)
    #expect(!fault.fix.isEmpty)
  }

  @Test("a label has at most 63 characters and a name 253")
  func lengths() throws {
    let label = String(repeating: "a", count: 63)
    #expect(throws: Never.self) { try DomainName(label + ".b") }
    #expect(throws: NameFault.self) { try DomainName(label + "a.b") }
    let name = "\(label).\(label).\(label)." + String(repeating: "b", count: 61)
    #expect(try DomainName(name).text.utf8.count == 253)
    #expect(throws: NameFault.self) { try DomainName(name + "b") }
  }

  @Test("a subdomain stands exactly one label below the base")
  func subdomains() throws {
    let base = try DomainName("tunnel.example.com")
    #expect(try DomainName("x.tunnel.example.com").label(under: base) == "x")
    #expect(try DomainName("x.tunnel.example.com").isSubdomain(of: base))
    for other in ["tunnel.example.com", "y.x.tunnel.example.com", "xtunnel.example.com", "x.com"] {
      #expect(try DomainName(other).label(under: base) == nil)
    }
  }

  @Test("a fault's text carries no control character to a terminal")
  func escaped() {
    #expect(
      "\(NameFault.numeric("a\u{1b}[2J"))" == "`a\\x1b[2J` ends in a number, as an address does")
  }
}
