import Testing
import TunnelCore

@testable import SessionLink

@Suite("the names of a certificate")
struct CertificateNamesTests {
  @Test(
    "a name matches itself, and a wildcard one whole label",
    arguments: [
      ("relay.test", "relay.test", true), ("Relay.Test.", "rElay.test", true),
      ("relay.test", "relay.test.", true), ("relay.test", "a.relay.test", false),
      ("*.relay.test", "a.relay.test", true), ("*.relay.test", "a.b.relay.test", false),
      ("*.relay.test", "relay.test", false), ("*.test", "relay.test", false),
      ("a*.relay.test", "ab.relay.test", false), ("b.*.test", "b.relay.test", false),
      ("*", "relay", false), ("", "", false), ("*.relay.test", ".relay.test", false),
      ("127.0.0.1", "127.0.0.1", false), ("*.0.0.1", "127.0.0.1", false),
    ])
  func names(pattern: String, host: String, isIncluded: Bool) {
    #expect(CertificateNames(names: [pattern]).include(host) == isIncluded)
  }

  @Test("an address matches an address, in whatever form")
  func addresses() throws {
    let names = CertificateNames(
      addresses: [
        try #require(IPAddress(octets: [10, 0, 0, 1])),
        try #require(IPAddress(octets: [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 12))),
      ])
    #expect(names.include("10.0.0.1"))
    #expect(names.include("2001:db8:0::"))
    #expect(!names.include("10.0.0.2"))
    #expect(!names.include("relay.test"))
    #expect(names.all == ["10.0.0.1", "2001:db8::"])
    #expect(IPAddress(octets: [1, 2, 3]) == nil)
  }
}

@Suite("the choice of a carrier")
struct CarrierChoiceTests {
  @Test("auto begins raw, tries the other once, and remembers what worked")
  func auto() {
    var choice = CarrierChoice(.auto)
    #expect(choice.begin() == .raw)
    #expect(choice.blocked() == .webSocket)
    #expect(choice.blocked() == nil)
    #expect(choice.begin() == .raw)
    #expect(choice.blocked() == .webSocket)
    choice.worked(.webSocket)
    #expect(choice.begin() == .webSocket)
    #expect(choice.blocked() == .raw)
    choice.worked(.raw)
    #expect(choice.begin() == .raw)
  }

  @Test("what a person chose is the only one", arguments: [Transport.raw, .websocket])
  func fixed(transport: Transport) {
    var choice = CarrierChoice(transport)
    #expect(choice.begin() == (transport == .raw ? .raw : .webSocket))
    #expect(choice.blocked() == nil)
  }
}
