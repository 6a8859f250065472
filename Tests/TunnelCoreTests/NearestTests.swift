import Testing

@testable import TunnelCore

@Suite struct NearestTests {
  static let words = [
    "http", "tcp", "start", "status", "domains", "--domain", "--port", "upstream",
  ]

  @Test(
    "a slip of the hand finds the word",
    arguments: [
      ("htpt", "http"), ("htt", "http"), ("strat", "start"), ("statsu", "status"),
      ("domain", "domains"), ("--prot", "--port"), ("--DOMAIN", "--domain"),
      ("upstrem", "upstream"),
    ])
  func slips(word: String, meant: String) {
    #expect(Nearest.match(word, in: Self.words) == meant)
  }

  @Test("what is too far away, empty or endless finds nothing")
  func strangers() {
    for word in ["", "x", "zz", "banana", String(repeating: "a", count: 100_000)] {
      #expect(Nearest.match(word, in: Self.words) == nil)
    }
    #expect(Nearest.match("http", in: []) == nil)
  }

  @Test("the nearest wins, and among equals the first")
  func order() {
    #expect(Nearest.match("port", in: ["sport", "ports", "port"]) == "port")
    #expect(Nearest.match("port", in: ["sport", "ports"]) == "sport")
  }
}
