import Foundation
import Testing

/// Every file that the fuzzer kept goes through the same check again, without the fuzzer.
@Suite("The fuzzer's corpus of frames")
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

  @Test("what is read from a frame is written and read the same", arguments: kept("frames"))
  func frames(_ kept: Kept) throws { try FrameCheck.run(kept.bytes) }

  @Test("honest and hostile walks keep their promises", arguments: kept("session"))
  func session(_ kept: Kept) throws { try SessionCheck.run(kept.bytes) }

  @Test("is there")
  func found() {
    for target in ["frames", "session"] { #expect(Self.kept(target).count > 5) }
  }
}
