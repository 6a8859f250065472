import Inspection
import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("web address")
struct WebAddressTests {
  private func chosen(_ words: String...) throws -> WebAddress? {
    guard case .tunnel(let request) = try CommandGrammar.parse(["3000"] + words) else { return nil }
    return try WebAddress.chosen(request)
  }

  @Test("without a word it is ngrok's")
  func standard() throws {
    #expect(try chosen() == WebAddress(host: "127.0.0.1", port: 4040))
  }

  @Test("false and off mean none", arguments: ["false", "off"])
  func none(_ word: String) throws {
    #expect(try chosen("--web-addr", word) == nil)
  }

  @Test(
    "every spelling of an address of this machine",
    arguments: [
      ("4041", "127.0.0.1:4041"), (":4041", "127.0.0.1:4041"), ("127.0.0.1", "127.0.0.1:4040"),
      ("localhost:4041", "127.0.0.1:4041"), ("http://127.0.0.1:4041/", "127.0.0.1:4041"),
      ("127.0.0.2:4041", "127.0.0.2:4041"), ("[::1]:4041", "[::1]:4041"),
      ("127.0.0.1:0", "127.0.0.1:0"), (":0", "127.0.0.1:0"),
    ])
  func spellings(_ text: String, _ address: String) throws {
    #expect(try chosen("--web-addr=\(text)")?.description == address)
  }

  @Test(
    "what others could reach, and what is no address, is a usage fault",
    arguments: [
      "0.0.0.0:4040", "[::]:4040", "192.0.2.1:4040", "mine.example:4040", "app.localhost:4040",
      "127.0.0.1.example", "127.0.0.1:70000", "https://127.0.0.1:4040", "127.0.0.1:4040/api",
      "::1",
    ])
  func refused(_ text: String) {
    #expect {
      try chosen("--web-addr", text)
    } throws: { error in
      (error as? UserError)?.code == "usage" && (error as? UserError)?.exit == .usage
    }
  }
}
