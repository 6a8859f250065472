import Testing

/// What a reader may rely on in every file.
@Suite("style")
struct StyleTests {
  @Test("no file is over 400 lines, no line over 100 columns", arguments: Source.all)
  func sizes(_ source: Source) {
    #expect(source.lines.count <= 401)
    // What a test expects word for word, in a raw string, may be as long as it is.
    let long = source.lines.enumerated().filter { _, line in
      line.count > 100 && !line.contains("#\"")
    }
    #expect(long.map { "\(source.path):\($0.offset + 1)" } == [])
  }

  @Test("nothing is public", arguments: Source.ours)
  func access(_ source: Source) {
    let found = source.code.filter { _, text in
      text.split(separator: " ").contains { ["public", "open"].contains($0) }
        && text.firstMatch(of: #/\b(public|open)\s+(\w+\s+)*(func|var|let|struct|class|enum)\b/#)
          != nil
    }
    #expect(found.map { "\(source.path):\($0.number)" } == [])
  }

  @Test("nothing traps on purpose", arguments: Source.ours)
  func traps(_ source: Source) {
    #expect(source.places(of: ["try!", "as!", "fatalError(", "unowned(unsafe)"]) == [])
  }

  @Test("nothing waits by sleeping in a test", arguments: Source.all)
  func sleeps(_ source: Source) {
    guard source.path.hasPrefix("Tests/"), source.target != "TidyTests" else { return }
    #expect(source.places(of: ["Task.sleep", "usleep(", " sleep("]) == [])
  }

  @Test("a type that means nothing has no place here", arguments: Source.ours)
  func names(_ source: Source) {
    let found = source.code.filter { _, text in
      text.firstMatch(
        of: #/\b(struct|class|enum|actor|protocol)\s+\w*(Manager|Service|Helper|Utils|Util)\b/#)
        != nil
    }
    #expect(found.map { "\(source.path):\($0.number)" } == [])
  }

  @Test("the sources are where the tests look for them")
  func found() {
    #expect(Source.ours.count > 100)
    #expect(Source.all.contains { $0.path == "Tests/TidyTests/StyleTests.swift" })
  }
}
