import Testing

/// What reads bytes off the network cannot trap: no forced unwrap, and no sum that may overflow
/// where nothing says why it cannot.
@Suite("decoding")
struct DecodingTests {
  /// The files that read what a stranger sent.
  private static let files: [Source] = Source.ours.filter { source in
    source.target == "HTTPMessage" || multiplexer.contains(source.path)
      || hello.contains(source.path)
  }

  private static let hello: Set<String> = [
    "Sources/TunnelCore/ClientHello.swift", "Sources/TunnelCore/ClientHelloReader.swift",
    "Sources/TunnelCore/TLSCursor.swift",
  ]

  private static let multiplexer: Set<String> = [
    "Sources/Multiplexer/Control.swift", "Sources/Multiplexer/ControlFields.swift",
    "Sources/Multiplexer/Credit.swift", "Sources/Multiplexer/Farewell.swift",
    "Sources/Multiplexer/FieldPen.swift", "Sources/Multiplexer/Fields.swift",
    "Sources/Multiplexer/Frame.swift", "Sources/Multiplexer/StreamTable.swift",
    "Sources/Multiplexer/Hello.swift", "Sources/Multiplexer/Line.swift",
    "Sources/Multiplexer/Open.swift", "Sources/Multiplexer/Session+Input.swift",
  ]

  // The words themselves stand in strings and comments of this file and of SwiftTokens: they are
  // what the rule looks for, and no code of a test forces anything.
  @Test("no value is forced: no `!`, `try!` or `as!`", arguments: files)
  func forced(_ source: Source) {
    let found = SwiftTokens(source.text).operators.filter(\.forces)
    #expect(found.map { "\(source.path):\($0.line)" } == [])
  }

  @Test(
    "no `+`, `-` or `*` may overflow: it wraps (`&+`), reports, or says `// bounded: why`",
    arguments: files)
  func sums(_ source: Source) {
    let tokens = SwiftTokens(source.text)
    let found = tokens.operators.filter { $0.mayOverflow && !tokens.bounded.contains($0.line) }
    #expect(found.map { "\(source.path):\($0.line): \($0.text)" } == [])
  }

  @Test("a bound that is claimed is needed", arguments: files)
  func idle(_ source: Source) {
    let tokens = SwiftTokens(source.text)
    let used = Set(tokens.operators.filter { $0.sums }.map(\.line))
    #expect(tokens.bounded.subtracting(used).map { "\(source.path):\($0)" } == [])
  }

  @Test("the files are where the rule looks for them")
  func found() {
    #expect(Set(Self.files.map(\.path)).isSuperset(of: Self.multiplexer.union(Self.hello)))
    #expect(Self.files.filter { $0.target == "HTTPMessage" }.count > 15)
  }

  @Test(
    "the rule sees a forced value",
    arguments: [
      ("let a = b!", true), ("b!.c()", true), ("try! f()", true), ("x as! Int", true),
      ("a[1]!", true), ("f()! + 1", true), ("var a: Int!", true), ("\"\\(a)\" != b", false),
      ("if !a, b != c { }", false), ("a !== b", false), ("// b! is not code", false),
      ("/* b! /* c! */ d! */ e", false), ("let s = \"b! as!\"", false),
      ("let s = #\"a\" b! \"# + c!", true), ("let s = \"\\\"b!\"", false),
      ("\"\"\"\n b! \"c!\n\"\"\"", false), ("(!a)", false), ("[!a]", false), ("a.b?.c", false),
    ])
  func sees(_ code: String, _ forced: Bool) {
    #expect(SwiftTokens(code).operators.contains(where: \.forces) == forced)
  }

  @Test(
    "the rule sees a sum",
    arguments: [
      ("a + b", true), ("a+b", true), ("a - 1", true), ("x *= 2", true), ("n += 1", true),
      ("f() - g()", true), ("a &+ b", false), ("a &-= b", false), ("x &* y", false),
      ("-1", false), ("f(-1, -x)", false), ("[-1]", false), ("-> Int", false),
      ("\"a + b\"", false), ("// a + b", false),
      ("a  // bounded: b is 2", false), ("x = a + b  // bounded: both are lengths", true),
      ("a ..< b", false), ("return -a", false), ("reduce(0, +)", true),
    ])
  func seesSum(_ code: String, _ sums: Bool) {
    #expect(SwiftTokens(code).operators.contains(where: \.mayOverflow) == sums)
  }

  @Test("a bound stands on its line or on the comment line before it, and has a reason")
  func marks() {
    let code = """
      a + b  // bounded: both are lengths
      // bounded: the line below is one
      c + d
      e + f  // bounded:
      g + h
      """
    #expect(SwiftTokens(code).bounded == [1, 3])
  }
}
