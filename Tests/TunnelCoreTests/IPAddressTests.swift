import Testing

@testable import TunnelCore

/// Addresses as numbers, blocks of them, and the walk to the client behind trusted proxies.
@Suite("addresses")
struct IPAddressTests {
  @Test(
    "an address has one form, however it was written",
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
      ("::FFFF:c000:0201", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"),
      ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
      ("2001:DB8::0:1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
      ("fe80::", "fe80::"), ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("::2", "::2"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ])
  func forms(_ text: String, _ shown: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == shown)
    #expect(IPAddress(shown) == address)
    #expect(address.isIPv4 == shown.contains("."))
  }

  @Test(
    "what is no address",
    arguments: [
      "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "::1%lo", "[::1]", ":1",
      "1::2::3",
      "1:2:3:4:5:6:7:8:9", "g::", "12345::", "localhost", "1.2.3.4:80", "::ffff:1.2.3", "unknown",
    ])
  func wrong(_ text: String) { #expect(IPAddress(text) == nil) }

  @Test(
    "an entry of X-Forwarded-For may have blanks, brackets and a port",
    arguments: [
      ("1.2.3.4", "1.2.3.4"), (" \t1.2.3.4 ", "1.2.3.4"), ("1.2.3.4:5678", "1.2.3.4"),
      ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
      ("[2001:db8::1]:443", "2001:db8::1"), ("::ffff:1.2.3.4", "1.2.3.4"),
      ("[::ffff:1.2.3.4]:1", "1.2.3.4"), ("1.2.3.4:", nil), ("1.2.3.4:70000", nil),
      ("1.2.3.4:+80", nil), ("[1.2.3.4", nil), ("[::1]x", nil), ("[]", nil), ("", nil),
      ("1.2. 3.4", nil), ("unknown", nil), ("_hidden", nil), ("\"1.2.3.4\"", nil),
    ])
  func entries(_ entry: String, _ shown: String?) {
    #expect(IPAddress(forwarded: entry)?.description == shown)
  }

  @Test(
    "a block holds what its prefix says",
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
      ("10.1.2.3/8", "10.9.9.9", true), ("192.0.2.7", "192.0.2.7", true),
      ("192.0.2.7", "192.0.2.8", false), ("192.0.2.6/31", "192.0.2.7", true),
      ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
      ("::/0", "203.0.113.9", true), ("::/0", "2001:db8::1", true),
      ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::1", false),
      ("2001:db8::1", "2001:db8::1", true), ("2001:db8::/127", "2001:db8::2", false),
      ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("::ffff:10.0.0.0/104", "10.1.1.1", true),
    ])
  func blocks(_ block: String, _ address: String, _ holds: Bool) throws {
    let block = try #require(AddressBlock(block))
    #expect(block.contains(try #require(IPAddress(address))) == holds)
  }

  @Test(
    "what is no block",
    arguments: [
      "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
      "10.0.0/8",
      "::/129", "example.com", "10.0.0.0/255.0.0.0", "[::1]",
    ])
  func wrongBlocks(_ text: String) { #expect(AddressBlock(text) == nil) }

  private static let proxies = TrustedProxies(
    TrustedProxies.loopback + ["10.0.0.0/8", "2001:db8::/32"].compactMap { AddressBlock($0) })

  @Test(
    "the client is the right-most entry that is not trusted",
    arguments: [
      // Nobody to speak for.
      ([], "127.0.0.1"), ([""], "127.0.0.1"),
      (["203.0.113.1"], "203.0.113.1"),
      // A client's own claims stand to the left of what the proxy saw.
      (["198.51.100.9, 203.0.113.1"], "203.0.113.1"),
      (["127.0.0.1, 203.0.113.1"], "203.0.113.1"),
      // Trusted hops are passed over, in one line or several.
      (["203.0.113.1, 10.1.1.1, 10.2.2.2"], "203.0.113.1"),
      (["203.0.113.1", "10.1.1.1,2001:db8::7"], "203.0.113.1"),
      (["9.9.9.9,203.0.113.1", "10.1.1.1"], "203.0.113.1"),
      // All trusted: the first of them.
      (["10.3.3.3, 10.1.1.1"], "10.3.3.3"),
      // Garbage ends the walk at the last good one.
      (["203.0.113.1, unknown, 10.1.1.1"], "10.1.1.1"),
      (["203.0.113.1,,10.1.1.1"], "10.1.1.1"),
      (["203.0.113.1", "", "10.1.1.1"], "10.1.1.1"),
      (["unknown"], "127.0.0.1"),
      // A prepended mark takes the comma behind it into its own `Character`.
      (["198.51.100.1\u{600}, 203.0.113.1"], "203.0.113.1"),
      (["198.51.100.1\u{600},203.0.113.1", "10.1.1.1"], "203.0.113.1"),
      // Forms.
      (["203.0.113.1:5678"], "203.0.113.1"), (["[2001:db9::1]:80, 10.1.1.1"], "2001:db9::1"),
      (["::ffff:203.0.113.1"], "203.0.113.1"), (["203.0.113.1,::ffff:10.1.1.1"], "203.0.113.1"),
    ])
  func walk(_ values: [String], _ client: String) throws {
    for peer in ["127.0.0.1", "::ffff:127.0.0.1"] {
      let found = Self.proxies.client(of: try #require(IPAddress(peer)), forwarded: values)
      #expect(found.description == client)
    }
  }

  @Test("of thousands of entries that look trusted only the last 32 are walked")
  func hops() throws {
    let peer = try #require(IPAddress("127.0.0.1"))
    let many = Array(repeating: "10.2.2.2", count: 5_000).joined(separator: ",")
    let tail = (1...32).map { "10.1.1.\($0)" }.joined(separator: ", ")
    for values in [[many, tail], [many + "," + tail]] {
      #expect(Self.proxies.client(of: peer, forwarded: values).description == "10.1.1.1")
    }
    let near = "203.0.113.1, " + (2...32).map { "10.1.1.\($0)" }.joined(separator: ", ")
    #expect(Self.proxies.client(of: peer, forwarded: [near]).description == "203.0.113.1")
  }

  @Test("loopback is all of 127.0.0.0/8 and ::1, in every form, and nothing else")
  func loopback() throws {
    let proxies = TrustedProxies(TrustedProxies.loopback)
    for near in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
      #expect(proxies.contains(try #require(IPAddress(near))))
    }
    for far in ["128.0.0.1", "::2", "10.0.0.1", "0.0.0.0", "::"] {
      #expect(!proxies.contains(try #require(IPAddress(far))))
    }
    #expect(!TrustedProxies([]).contains(try #require(IPAddress("127.0.0.1"))))
  }
}
