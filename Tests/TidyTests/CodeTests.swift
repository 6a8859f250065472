import Foundation
import Testing

/// The codes that people meet: the catalogue, its page, and what the sources say. The catalogue
/// is read from its sources too, for this target builds nothing.
@Suite("codes")
struct CodeTests {
  private static let catalogue: Set<String> = {
    let files = Source.ours.filter { $0.path.contains("TunnelCore/ErrorCatalogue") }
    let refusals = Source.ours.filter { $0.path.hasSuffix("TunnelCore/RefusalCode.swift") }
    var codes = Set<String>()
    for file in files {
      // `.init(` or `ErrorEntry(`, then the code on this line or the next.
      for match in file.text.matches(of: #/(?:\.init|ErrorEntry)\(\s*"([a-z0-9-]+)"/#) {
        codes.insert(String(match.1))
      }
    }
    for file in refusals {
      for match in file.text.matches(of: #/case \w+ = "([a-z0-9-]+)"/#) {
        codes.insert(String(match.1))
      }
    }
    return codes
  }()

  @Test("the catalogue was found")
  func found() {
    #expect(Self.catalogue.isSuperset(of: ["unknown-domain", "domain-taken", "usage", "internal"]))
  }

  @Test("every code in the sources is in the catalogue", arguments: Source.ours)
  func used(_ source: Source) {
    for match in source.text.matches(of: #/code: "([^"\\]*)"/#) {
      #expect(Self.catalogue.contains(String(match.1)), "\(source.path): \(match.1)")
    }
  }

  @Test("docs/errors.md explains every code of the catalogue, and no other")
  func page() throws {
    let url = Source.root.appending(path: "docs/errors.md")
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let text = try String(contentsOf: url, encoding: .utf8)
    let explained = text.matches(of: #/(?m)^### ([a-z0-9-]+)$/#).map { String($0.1) }
    #expect(Set(explained) == Self.catalogue)
    #expect(explained.count == Set(explained).count)
  }
}
