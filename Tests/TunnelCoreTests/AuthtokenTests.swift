import Testing

@testable import TunnelCore

@Suite struct AuthtokenTests {
  @Test("a token reads back, also with the white space of a pasted line")
  func roundTrip() throws {
    var generator = SmallRandom(seed: 6)
    let text = Authtoken.random(using: &generator).reveal()
    #expect(text.utf8.count == 40)
    #expect(text.hasPrefix("tun_"))
    #expect(try Authtoken(" \t\(text)\r\n").reveal() == text)
  }

  @Test("one changed character is noticed before the relay is asked")
  func checksum() throws {
    var generator = SmallRandom(seed: 7)
    let text = Authtoken.random(using: &generator).reveal()
    for offset in 4..<40 {
      var bytes = Array(text.utf8)
      bytes[offset] = bytes[offset] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
      #expect(throws: AuthtokenFault.mistyped) {
        try Authtoken(String(decoding: bytes, as: UTF8.self))
      }
    }
    var swapped = Array(text.utf8)
    if let other = (5..<39).first(where: { swapped[$0] != swapped[$0 + 1] }) {
      swapped.swapAt(other, other + 1)
      #expect(throws: AuthtokenFault.self) {
        try Authtoken(String(decoding: swapped, as: UTF8.self))
      }
    }
  }

  @Test("each fault has its name")
  func faults() {
    var generator = SmallRandom(seed: 8)
    let text = Authtoken.random(using: &generator).reveal()
    #expect(throws: AuthtokenFault.empty) { try Authtoken("\n ") }
    #expect(throws: AuthtokenFault.notAToken) { try Authtoken("ghp_" + text.dropFirst(4)) }
    #expect(throws: AuthtokenFault.wrongLength) { try Authtoken(String(text.dropLast())) }
    #expect(throws: AuthtokenFault.wrongLength) { try Authtoken(text + "0") }
    #expect(throws: AuthtokenFault.mistyped) { try Authtoken("tun_ä" + text.dropFirst(5)) }
  }

  @Test("a token prints masked, however it is printed")
  func masked() {
    struct Settings { let relay = "r", token: Authtoken }
    var generator = SmallRandom(seed: 9)
    let token = Authtoken.random(using: &generator)
    let secret = token.reveal().dropFirst(4).dropLast(4)
    var dumped = ""
    dump(Settings(token: token), to: &dumped)
    for text in ["\(token)", String(reflecting: token), "\(Settings(token: token))", dumped] {
      #expect(!text.contains(secret))
      #expect(text.contains("tun_…" + token.reveal().suffix(4)))
    }
  }

  @Test("the checksum is the CRC-32 that everybody else computes")
  func knownAnswer() {
    #expect(CRC32.of(Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(CRC32.of([]) == 0)
  }
}
