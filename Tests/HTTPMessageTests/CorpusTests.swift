import Foundation
import Testing

/// Every file that the fuzzer kept goes through the same check again, without the fuzzer.
@Suite("The fuzzer's corpus of messages")
struct CorpusTests {
  /// A file below `Fuzz/corpus`.
  struct Kept: Sendable, CustomTestStringConvertible {
    let url: URL
    var testDescription: String { url.lastPathComponent }
    var bytes: [UInt8] { get throws { Array(try Data(contentsOf: url)) } }
  }

  static func kept(_ target: String) -> [Kept] {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let folder = root.appending(path: "Fuzz/corpus/\(target)")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { Kept(url: folder.appending(path: $0)) }
  }

  @Test("heads are read alike however they are cut", arguments: kept("head"))
  func head(_ kept: Kept) throws { try HeadCheck.run(kept.bytes) }

  @Test("bodies end alike however they are cut", arguments: kept("body"))
  func body(_ kept: Kept) throws { try BodyCheck.run(kept.bytes) }

  @Test("an edited head is what its rules say", arguments: kept("edit"))
  func edit(_ kept: Kept) throws { try EditCheck.run(kept.bytes) }

  @Test("is there")
  func found() {
    for target in ["head", "body", "edit"] { #expect(Self.kept(target).count > 5) }
  }
}
