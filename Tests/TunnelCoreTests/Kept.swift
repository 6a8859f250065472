import Foundation
import Testing

/// A file that the fuzzer kept, below `Fuzz/corpus`.
struct Kept: Sendable, CustomTestStringConvertible {
  let url: URL
  var testDescription: String { url.lastPathComponent }
  var bytes: [UInt8] { get throws { Array(try Data(contentsOf: url)) } }

  static func of(_ target: String) -> [Kept] {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let folder = root.appending(path: "Fuzz/corpus/\(target)")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { Kept(url: folder.appending(path: $0)) }
  }
}
