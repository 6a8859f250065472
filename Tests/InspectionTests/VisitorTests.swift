import Testing

@testable import Inspection

@Suite("visitor")
struct VisitorTests {
  @Test(
    "hosts that no name service decides about are answered",
    arguments: [
      "localhost", "localhost:4040", "LOCALHOST:80", "localhost.", "127.0.0.1", "127.0.0.1:4041",
      "127.8.9.10:1", "[::1]", "[::1]:4040", "localhost:",
    ])
  func loopback(_ host: String) {
    #expect(Visitor(host: host).refusal == nil)
  }

  @Test(
    "every other host is refused",
    arguments: [
      nil, "", ":4040", "evil.example", "evil.example:4040", "localhost.evil.example",
      "127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example#localhost", "app.localhost",
      "127.0.0.+1:4040", "127.0.0.-0", "0.0.0.0", "10.0.0.1:4040", "128.0.0.1", "127.0.0.256",
      "127.1", "127.0.0.1:4040:1",
      "127.0.0.1:port", "127.0.0.1:123456", "0127.0.0.1", "[::1]x", "[::1]:x", "[::2]",
      "[::ffff:127.0.0.1]", "::1", "localhost localhost", "2130706433",
    ])
  func foreign(_ host: String?) {
    #expect(Visitor(host: host).refusal?.contains("Host") == true)
  }

  @Test(
    "the address's own pages may ask, and a person who typed it",
    arguments: [
      Visitor(host: "127.0.0.1:4040", origin: "http://127.0.0.1:4040", site: "same-origin"),
      Visitor(host: "Localhost:4040", origin: "http://localhost:4040"),
      Visitor(host: "localhost:4040", site: "none"),
    ])
  func own(_ visitor: Visitor) {
    #expect(visitor.refusal == nil)
  }

  @Test(
    "pages of others may not, whatever they are on",
    arguments: [
      Visitor(host: "127.0.0.1:4040", origin: "https://evil.example"),
      Visitor(host: "127.0.0.1:4040", origin: "null"),
      Visitor(host: "127.0.0.1:4040", origin: ""),
      Visitor(host: "127.0.0.1:4040", origin: "http://127.0.0.1:3000"),
      Visitor(host: "127.0.0.1:4040", origin: "http://localhost:4040"),
      Visitor(host: "127.0.0.1:4040", origin: "https://127.0.0.1:4040"),
      Visitor(host: "127.0.0.1:4040", site: "cross-site"),
      Visitor(host: "127.0.0.1:4040", site: "same-site"),
      Visitor(host: "127.0.0.1:4040", origin: "http://127.0.0.1:4040", site: "cross-site"),
    ])
  func others(_ visitor: Visitor) {
    #expect(visitor.refusal?.contains("page of another") == true)
  }
}
