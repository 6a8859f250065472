import Testing

/// The modules' one direction: what each may import.
@Suite("imports")
struct ImportTests {
  /// A module that may be imported whole, or `struct Module.Type` for one type of it.
  private static let allowed: [String: Set<String>] = [
    "TunnelCore": [],
    "HTTPMessage": [],
    "Multiplexer": ["struct NIOCore.ByteBuffer"],
    "SessionLink": [
      "Crypto", "CryptoExtras", "Dispatch", "Glibc", "HTTPMessage", "Multiplexer", "NIOCore",
      "NIOPosix", "NIOSSL", "NIOTLS", "NIOWebSocket", "Synchronization", "TunnelCore", "X509",
    ],
    "SettingsFile": ["Glibc", "TunnelCore", "Yams"],
    "RelayStore": ["Crypto", "Glibc", "GRDB", "TunnelCore"],
    "RelayServer": [
      "Crypto", "Dispatch", "Glibc", "HTTPMessage", "Hummingbird", "Logging", "Multiplexer",
      "NIOCore", "NIOHPACK", "NIOHTTP2", "NIOPosix", "NIOSSL", "NIOTLS", "RelayStore",
      "ServiceLifecycle", "SessionLink", "SettingsFile", "Synchronization", "TunnelCore",
    ],
    "Inspection": [
      "Glibc", "Hummingbird", "HummingbirdCore", "Logging", "NIOCore", "NIOPosix",
      "Synchronization", "TunnelCore",
    ],
    "TunnelAgent": [
      "Dispatch", "FoundationEssentials", "Glibc", "HTTPMessage", "Inspection", "Logging",
      "Multiplexer",
      "NIOCore", "NIOPosix", "SessionLink", "SettingsFile", "Synchronization", "TunnelCore",
    ],
    "relay": [
      "ArgumentParser", "Glibc", "Logging", "RelayServer", "RelayStore", "SettingsFile",
      "TunnelCore",
    ],
    "tunnel": ["ArgumentParser", "Glibc", "Logging", "TunnelAgent", "TunnelCore"],
  ]

  static func imports(of source: Source) -> [String] {
    source.code.compactMap { _, text in
      var words = text.split(separator: " ")
      while let first = words.first, first.hasPrefix("@") { words.removeFirst() }
      if let first = words.first, ["package", "internal", "private"].contains(first) {
        words.removeFirst()
      }
      guard words.first == "import" else { return nil }
      return words.dropFirst().joined(separator: " ")
    }
  }

  @Test("a target imports what its place allows, and nothing else", arguments: Source.ours)
  func imports(_ source: Source) throws {
    let allowed = try #require(Self.allowed[source.target], "a target without a rule")
    for module in Self.imports(of: source) {
      #expect(allowed.contains(module), "\(source.path) must not import \(module)")
    }
  }

  @Test("the rule sees every way to write an import")
  func ways() {
    let source = Source(
      path: "Sources/TunnelCore/A.swift",
      text: """
        import Foundation
        @preconcurrency import Glibc
        private import struct NIOCore.ByteBuffer
          import Logging  // indented
        // import Crypto
        """)
    #expect(
      Self.imports(of: source)
        == ["Foundation", "Glibc", "struct NIOCore.ByteBuffer", "Logging"])
  }

  @Test("SQL stands in the store only", arguments: Source.ours)
  func sql(_ source: Source) {
    if source.target == "RelayStore" { return }
    #expect(source.places(of: ["sql:", "SELECT ", "INSERT INTO", "DELETE FROM"]) == [])
  }

  @Test("only the executables look at arguments and environment", arguments: Source.ours)
  func surroundings(_ source: Source) {
    if ["relay", "tunnel"].contains(source.target) { return }
    let words = ["CommandLine.", "ProcessInfo", "getenv(", "= environ\n", "= environ "]
    #expect(source.places(of: words) == [])
    #expect(!source.code.contains { $0.text.hasSuffix("= environ") })
  }

  @Test("the agent alone prints to a terminal", arguments: Source.ours)
  func prints(_ source: Source) {
    if ["relay", "tunnel"].contains(source.target) { return }
    #expect(source.places(of: [" print("]) == [])
  }
}
