import Testing

@testable import TunnelCore

/// What a client's first words say, read by a reader that strangers talk to.
@Suite("ClientHello")
struct ClientHelloTests {
  private func read(_ bytes: [UInt8], step: Int = .max) -> HelloCheck.Verdict {
    HelloCheck.read(bytes, step: min(step, max(1, bytes.count)))
  }

  private static let real: [(bytes: [UInt8], name: String?, protocols: [String], newest: UInt16?)] =
    [
      (RealHello.modern, "brave-otter.tunnel.example", ["h2", "http/1.1"], 0x0304),
      (RealHello.nameless, nil, [], nil),
      (RealHello.curl, "mine.example", ["h2", "http/1.1"], 0x0304),
    ]

  @Test("real clients' hellos are read", arguments: real.indices)
  func realOnes(_ index: Int) throws {
    let (bytes, wanted, protocols, newest) = Self.real[index]
    guard case .hello(let hello) = read(bytes) else {
      Issue.record("not read")
      return
    }
    #expect(hello.serverName?.text == wanted && hello.protocols == protocols)
    #expect(hello.versions.first == newest)
  }

  @Test("cut at any byte a hello reads the same, and no part of it is one", arguments: real.indices)
  func cuts(_ index: Int) throws {
    let bytes = Self.real[index].bytes
    let whole = read(bytes)
    for end in 1..<bytes.count {
      var reader = ClientHelloReader()
      let part = try reader.read(Array(bytes[..<end]).span)
      #expect(part == nil)
      let all = try #require(try reader.read(bytes.span))
      #expect(.hello(all) == whole)
    }
    #expect(read(bytes, step: 1) == whole)
  }

  @Test("a hello in many records is one", arguments: [1, 2, 3, 4, 5, 7, 100])
  func fragments(_ size: Int) {
    let message = Array(RealHello.modern.dropFirst(5))
    #expect(read(HelloBytes.records(message, of: size)) == read(RealHello.modern))
    #expect(read(HelloBytes.records(message, of: size), step: 3) == read(RealHello.modern))
  }

  @Test("what comes behind the hello's record is not its matter")
  func behind() {
    #expect(read(RealHello.curl + [20, 3, 3, 0, 1, 1]) == read(RealHello.curl))
  }

  @Test(
    "only a domain's name is a name",
    arguments: [
      ("Mine.Example", "mine.example"), ("mine.example.", "mine.example"), ("127.0.0.1", nil),
      ("a_b.example", nil), ("-a.example", nil), ("a..b", nil), ("localhost", "localhost"),
      ("a\u{0}.example", nil), ("m\u{fc}nchen.example", nil), ("[::1]", nil),
    ])
  func names(_ sent: String, _ wanted: String?) {
    guard case .hello(let hello) = read(HelloBytes(name: sent).records()) else {
      Issue.record("not read")
      return
    }
    #expect(hello.serverName?.text == wanted)
  }

  @Test("a client of old, without extensions, is one that names nobody")
  func old() {
    var hello = HelloBytes()
    hello.extensions = nil
    #expect(read(hello.records()) == .hello(ClientHello(serverName: nil)))
  }

  // MARK: - Faults

  private static let malformed: [(String, @Sendable (inout HelloBytes) -> Void)] = [
    ("no cipher suite", { $0.suites = [] }),
    ("half a cipher suite", { $0.suites = [1, 2, 3] }),
    ("no compression", { $0.compression = [] }),
    ("a long session id", { $0.session = [UInt8](repeating: 1, count: 33) }),
    ("an empty name list", { $0.extensions = [(0, [0, 0])] }),
    ("an empty name", { $0.extensions = [(0, [0, 3, 0, 0, 0])] }),
    ("another kind of name", { $0.extensions = [(0, [0, 4, 1, 0, 1, 97])] }),
    ("two names", { $0.extensions = [(0, [0, 8, 0, 0, 1, 97, 0, 0, 1, 98])] }),
    ("bytes behind the name", { $0.extensions = [(0, HelloBytes.serverName("a") + [0])] }),
    (
      "SNI twice",
      { $0.extensions = [(0, HelloBytes.serverName("a")), (0, HelloBytes.serverName("b"))] }
    ),
    ("an empty ALPN list", { $0.extensions = [(16, [0, 0])] }),
    ("an empty protocol", { $0.extensions = [(16, [0, 1, 0])] }),
    ("a protocol past its list", { $0.extensions = [(16, [0, 2, 5, 97])] }),
    ("ALPN twice", { $0.extensions = [(16, [0, 2, 1, 97]), (16, [0, 2, 1, 97])] }),
    ("half a version", { $0.extensions = [(43, [3, 3, 4, 3])] }),
    ("no version", { $0.extensions = [(43, [0])] }),
    ("versions twice", { $0.extensions = [(43, [2, 3, 4]), (43, [2, 3, 4])] }),
  ]

  @Test("what breaks the rules of a hello is a fault", arguments: malformed.indices)
  func faults(_ index: Int) {
    var hello = HelloBytes()
    Self.malformed[index].1(&hello)
    #expect(read(hello.records()) == .fault(.malformed), "\(Self.malformed[index].0)")
    #expect(read(hello.records(of: 3), step: 1) == .fault(.malformed))
  }

  @Test("bytes that are no handshake are found out by the first that says so")
  func strangers() {
    let wrong: [[UInt8]] = [
      [0x80], [0xff], [0], [21], [23], [22, 2], [22, 0x54], [22, 3, 1, 0, 4, 2, 0, 0, 1],
      Array("GET / HTTP/1.1\r\n".utf8),
    ]
    for bytes in wrong { #expect(read(bytes) == .fault(.notTLS), "\(bytes)") }
    #expect(read([22, 3, 1, 0, 0]) == .fault(.malformed))
    // The message ends inside its record.
    #expect(read([22, 3, 1, 0, 5, 1, 0, 0, 0, 9]) == .fault(.malformed))
  }

  @Test("a hello has 16 KiB with its records, and not a byte more")
  func limit() {
    var hello = HelloBytes(name: "mine.example")
    let room = ClientHelloReader.limit - hello.records().count - 4
    hello.extensions?.append((21, [UInt8](repeating: 0, count: room)))
    let most = hello.records()
    #expect(most.count == ClientHelloReader.limit)
    guard case .hello = read(most) else {
      Issue.record("the longest is not read")
      return
    }
    hello.extensions?.append((22, []))
    #expect(read(hello.records()) == .fault(.tooLong))
    // Said by the first bytes, long before they came: by the record, and by the message.
    #expect(read([22, 3, 1, 0x40, 0]) == .fault(.tooLong))
    #expect(read([22, 3, 1, 0, 4, 1, 0, 0x40, 1]) == .fault(.tooLong))
    #expect(read([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]) == .fault(.tooLong))
    // Many small records cost more than one.
    let small = HelloBytes.records(Array(RealHello.curl.dropFirst(5)), of: 1)
    #expect(read(small, step: 1) == read(RealHello.curl))
    #expect(read(HelloBytes.records(most, of: 1)) != read(most))
  }

  @Test("10,000 bent hellos neither trap nor depend on how they are cut")
  func bent() throws {
    var random = SmallRandom(seed: 5)
    for _ in 0..<10_000 {
      var bytes = Self.real[Int.random(in: 0..<Self.real.count, using: &random)].bytes
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] = [0, 1, 0xff].randomElement(using: &random) ?? 0
        case 2: bytes.remove(at: place)
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
      }
      try HelloCheck.run([UInt8.random(in: 0...255, using: &random)] + bytes)
    }
  }
}
