import NIOCore
import Testing

@testable import Multiplexer

/// The bytes of one whole exchange, as `docs/protocol.md` prints them ("One exchange, byte by
/// byte"). Whoever changes one changes the other, and every other agent with it.
@Suite("The wire's bytes") struct CodecTests {
  static let relayHello = """
    01 00 00 00 00 75 00 00 00 00 00 00 00 00
    00 00 00 04 00 01 00 01
    00 02 00 08 00 00 00 00 00 00 00 00
    00 04 00 04 00 00 00 20
    00 06 00 10 01 90 00 00 00 00 70 00 80 00 00 00 00 00 00 01
    00 08 00 10 00 00 00 00 00 00 40 00 80 00 00 00 00 00 00 02
    00 0a 00 02 00 00
    00 0c 00 08 00 00 01 8b cf e5 68 00
    00 0e 00 0e 74 75 6e 6e 65 6c 2e 65 78 61 6d 70 6c 65
    00 10 00 05 72 65 6c 61 79
    00 11 00 00
    """
  static let agentHello = """
    01 00 00 00 00 69 00 00 00 00 00 00 00 00
    00 00 00 04 00 01 00 01
    00 02 00 08 00 00 00 00 00 00 00 00
    00 04 00 04 00 00 10 00
    00 06 00 10 01 90 00 00 00 00 70 00 80 00 00 00 00 00 00 03
    00 08 00 10 00 00 00 00 00 00 40 00 80 00 00 00 00 00 00 04
    00 0a 00 02 00 00
    00 0c 00 08 00 00 01 8b cf e5 68 05
    00 10 00 0b 61 6e 6e 40 6d 61 63 62 6f 6f 6b
    00 11 00 00
    """
  static let serve = """
    0b 00 00 00 00 1a 00 00 00 00 00 00 00 00 00 00
    00 00 00 04 00 00 00 01
    00 02 00 0c 6d 69 6e 65 2e 65 78 61 6d 70 6c 65
    """
  static let policies = """
    0b 00 00 00 00 3b 00 00 00 00 00 00 00 00 00 00
    00 00 00 04 00 00 00 02
    00 02 00 0c 6d 69 6e 65 2e 65 78 61 6d 70 6c 65
    00 0a 00 09 72 61 74 65 20 31 30 2f 73
    00 0a 00 10 61 6c 6c 6f 77 20 31 30 2e 30 2e 30 2e 30 2f 38
    """
  static let serving = """
    0b 00 00 00 00 42 00 00 00 00 00 00 00 00 00 02
    00 00 00 04 00 00 00 01
    00 02 00 10 01 90 00 00 00 00 70 00 80 00 00 00 00 00 00 05
    00 04 00 08 00 00 00 00 00 00 00 01
    00 06 00 14 68 74 74 70 73 3a 2f 2f 6d 69 6e 65 2e 65 78 61 6d 70 6c 65
    """
  static let open = """
    02 00 00 00 00 71 00 00 00 00 00 00 00 01
    00 00 00 10 01 90 00 00 00 00 70 00 80 00 00 00 00 00 00 05
    00 02 00 08 00 00 00 00 00 00 00 01
    00 04 00 01 00
    00 06 00 01 00
    00 08 00 10 01 90 00 00 00 00 70 00 80 00 00 00 00 00 00 06
    00 0a 00 0a 31 39 32 2e 30 2e 32 2e 31 30
    00 0c 00 01 01
    00 0e 00 0c 6d 69 6e 65 2e 65 78 61 6d 70 6c 65
    00 10 00 08 00 00 01 8b cf e5 68 0a
    00 14 00 00
    """
  static let request = """
    03 01 00 00 00 26 00 00 00 00 00 00 00 01
    47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a
    48 6f 73 74 3a 20 6d 69 6e 65 2e 65 78 61 6d 70 6c 65 0d 0a 0d 0a
    """
  static let commit = "04 00 00 00 00 00 00 00 00 00 00 00 00 01"
  static let answer = """
    03 01 00 00 00 28 00 00 00 00 00 00 00 01
    48 54 54 50 2f 31 2e 31 20 32 30 30 20 4f 4b 0d 0a
    43 6f 6e 74 65 6e 74 2d 4c 65 6e 67 74 68 3a 20 32 0d 0a 0d 0a 68 69
    """

  static func id(_ high: UInt64, _ low: UInt64) -> WireID {
    WireID(high: high, low: 0x8000_0000_0000_0000 | low)
  }
  static let made: UInt64 = 0x0190_0000_0000_7000

  @Test("one whole exchange has these bytes and no others")
  func exchange() throws {
    let clock: UInt64 = 1_700_000_000_000
    var hello = Hello(
      streamLimit: 32, install: Self.id(Self.made, 1), instance: Self.id(0x4000, 2), clock: clock,
      label: "relay")
    hello.relays = ["tunnel.example"]
    var relay = Session(role: .relay, hello: hello)
    hello = Hello(
      streamLimit: 4_096, install: Self.id(Self.made, 3), instance: Self.id(0x4000, 4),
      clock: clock + 5, label: "ann@macbook")
    var agent = Session(role: .agent, hello: hello)
    try pass(Self.relayHello, from: &relay, to: &agent)
    try pass(Self.agentHello, from: &agent, to: &relay)

    agent.send(.serve(Serve(request: 1, wish: .domain("mine.example"))))
    try pass(Self.serve, from: &agent, to: &relay)
    var anew = Serve(request: 2, wish: .domain("mine.example"))
    anew.policies = ["rate 10/s", "allow 10.0.0.0/8"]
    agent.send(.serve(anew))
    try pass(Self.policies, from: &agent, to: &relay)
    let endpoint = Self.id(Self.made, 5)
    relay.send(
      .serving(
        request: 1, endpoint: endpoint, epoch: 1, url: "https://mine.example", claimed: false))
    try pass(Self.serving, from: &relay, to: &agent)

    var open = Open(
      endpoint: endpoint, epoch: 1, kind: .http, exchange: Self.id(Self.made, 6),
      client: "192.0.2.10", secure: true, host: "mine.example", receivedAt: clock + 10)
    open.held = true
    guard let ours = relay.open(open) else { throw Missing(what: "room") }
    let head = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: mine.example\r\n\r\n")
    _ = relay.send(ours, head, end: true)
    let opened = try pass(Self.open + "\n" + Self.request, from: &relay, to: &agent)
    guard case .opened(let theirs, open) = opened.first else { throw Missing(what: "the OPEN") }
    #expect(opened.last == .data(theirs, head, end: true))

    agent.commit(theirs)
    try pass(Self.commit, from: &agent, to: &relay)
    relay.commit(ours)
    try pass(Self.commit, from: &relay, to: &agent)
    let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    _ = agent.send(theirs, answer, end: true)
    let last = try pass(Self.answer, from: &agent, to: &relay)
    #expect(last == [.data(ours, answer, end: true), .closed(ours)])
    #expect(try agent.next() == .closed(theirs))
  }

  @Test("a TCP port is asked for and served byte by byte as docs/protocol.md has it")
  func tcp() throws {
    var pair = try Pair()
    var serve = Serve(
      request: 2, wish: .tcp(port: 20_007, label: "db", host: "tunnel.example"))
    pair.agent.send(.serve(serve))
    try pass(Self.tcpServe, from: &pair.agent, to: &pair.relay)
    serve.wish = .tcp(port: nil, label: "localhost:5432", host: "")
    pair.agent.send(.serve(serve))
    try pass(Self.anyPort, from: &pair.agent, to: &pair.relay)
  }

  static let tcpServe = """
    0b 00 00 00 00 2d 00 00 00 00 00 00 00 00 00 00
    00 00 00 04 00 00 00 02
    00 02 00 0e 74 75 6e 6e 65 6c 2e 65 78 61 6d 70 6c 65
    00 14 00 01 01
    00 16 00 02 4e 27
    00 18 00 02 64 62
    """
  static let anyPort = """
    0b 00 00 00 00 21 00 00 00 00 00 00 00 00 00 00
    00 00 00 04 00 00 00 02
    00 14 00 01 01
    00 18 00 0e 6c 6f 63 61 6c 68 6f 73 74 3a 35 34 33 32
    """

  /// Checks what one end says, and tells it to the other.
  @discardableResult private func pass(
    _ bytes: String, from sender: inout Session, to receiver: inout Session,
    at location: SourceLocation = #_sourceLocation
  ) throws -> [Session.Event] {
    let expected = bytes.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
    let said = sender.output()
    #expect(Array(said.readableBytesView) == expected, sourceLocation: location)
    return try receiver.take(said)
  }
}
