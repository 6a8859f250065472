import Testing

@testable import TunnelCore

@Suite struct HostTargetTests {
  static func target(_ host: String) -> HostTarget? {
    let bytes = Array(host.utf8)
    return HostTarget(host: bytes.span)
  }

  @Test("a name is matched without port, in lower case, without one final dot")
  func names() throws {
    let mine = HostTarget.name(try DomainName("mine.example"))
    for host in [
      "mine.example", "MINE.example", "mine.example.", "mine.example:8080",
      "Mine.Example.:0", "mine.example:", "mine.example:65535",
    ] {
      #expect(Self.target(host) == mine, "\(host)")
    }
    #expect(Self.target("localhost:8080") == .localhost)
    #expect(Self.target("LOCALHOST.") == .localhost)
    #expect(Self.target("a.localhost") == .name(try DomainName("a.localhost")))
  }

  @Test(
    "an address is the relay itself",
    arguments: [
      "127.0.0.1", "10.0.0.255:80", "[::1]", "[::1]:8080", "[::]", "[1:2:3:4:5:6:7:8]",
      "[fe80::1:2]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", "[ABCD::]", "[1::3:4:5:6:7:8]",
    ])
  func addresses(host: String) {
    #expect(Self.target(host) == .address)
  }

  @Test(
    "what is no host is nil",
    arguments: [
      "", ":", ":80", ".", "a..b", "a b", "a_b", "a/b", "a@b", "a,b", "mine.example:65536",
      "mine.example:8a", "mine.example:-1", "mine.example:080000", "mine.example..", "a:1:2",
      "1.2.3", "256.1.1.1", "1.2.3.4.5", "01.2.3.4", "[::1", "::1", "[]", "[::1]a", "[::1]:x",
      "[:::]", "[1:::2]", "[1:2]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "[12345::]", "[1:2:]",
      "[:1::]", "[fe80::1%25eth0]", "[1:2:3:4:5:6:7::8:9]", "[::1.2.3]", "[::1.2.3.4:5]", "[g::]",
      "mine.exämple", "http://a", "\u{0}", "a\u{0}b", "-a.b", "[", "]", "[:]", "[v1.a]",
    ])
  func invalid(host: String) {
    #expect(Self.target(host) == nil)
  }

  @Test("the quick reading of bytes and the one with reasons agree on every text")
  func agreement() {
    var generator = SmallRandom(seed: 14)
    let parts = ["a", "Z", "0", "9", "-", ".", ".", "_", "xn--", "1.2", "b.c", "ab-"]
    let fill = String(repeating: "q", count: 61)
    var names = 0
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        let isLong = Int.random(in: 0..<8, using: &generator) == 0
        text += isLong ? fill : parts.randomElement(using: &generator) ?? ""
      }
      let slow = try? DomainName(text)
      let quick = DomainName(host: Array(text.utf8).span)
      #expect(quick == slow, "\(text)")
      names += quick == nil ? 0 : 1
    }
    #expect(names > 2_000)
  }

  @Test("no bytes at all make it trap")
  func hostile() {
    var generator = SmallRandom(seed: 4)
    let letters = Array("0129afAFgz.:[]%-_ \u{0}\u{7f}é".utf8)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...24, using: &generator)
      let bytes = (0..<count).map { _ in letters.randomElement(using: &generator) ?? 0 }
      if case .name(let name) = HostTarget(host: bytes.span) {
        #expect((try? DomainName(name.text)) == name)
      }
    }
    let long = [UInt8](repeating: 0x61, count: 100_000)
    #expect(HostTarget(host: long.span) == nil)
  }
}
