import Foundation
import Testing

/// One Swift file of the repository, as text.
struct Source: Sendable, CustomTestStringConvertible {
  /// Below the root: `Sources/relay/main.swift`.
  let path: String
  let text: String

  /// The folder below `Sources` or `Tests`.
  var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
  var testDescription: String { path }

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// The lines without what stands behind `//`; a string with two slashes loses its tail, which
  /// no rule here looks for.
  var code: [(number: Int, text: Substring)] {
    lines.enumerated().map { index, line in
      (index + 1, line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line)
    }
  }

  /// Where a line of code holds one of `words`, as `path:line: word`.
  func places(of words: [String]) -> [String] {
    code.flatMap { number, text in
      words.filter { text.contains($0) }.map { "\(path):\(number): \($0)" }
    }
  }

  static let root: URL =
    URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every Swift file below `Sources` and `Tests`.
  static let all: [Source] = below("Sources") + below("Tests")
  static let ours: [Source] = all.filter { $0.path.hasPrefix("Sources/") }

  private static func below(_ folder: String) -> [Source] {
    let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
    var found: [Source] = []
    while let name = names?.nextObject() as? String {
      guard name.hasSuffix(".swift") else { continue }
      let path = "\(folder)/\(name)"
      let data = FileManager.default.contents(atPath: root.appending(path: path).path)
      found.append(Source(path: path, text: String(decoding: data ?? Data(), as: UTF8.self)))
    }
    return found.sorted { $0.path < $1.path }
  }
}
