import Multiplexer
import NIOCore
import NIOEmbedded
import Testing
import TunnelCore

@testable import SessionLink

/// Two links joined in memory: what one writes the other reads, turn by turn.
@Suite("link")
struct LinkTests {
  /// Notes what it is told; takes streams when it is told to.
  private final class Side: LinkOwner, PipeEnd {
    let link: Link
    let channel = EmbeddedChannel()
    var takes = true
    var heard: [String] = []
    var ended: LinkEnd?
    var port: StreamPort?
    var received = ByteBuffer()

    private final class Forward: LinkOwner {
      weak var side: Side?
      func link(_ link: Link, said hello: Hello) { side?.link(link, said: hello) }
      func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? {
        side?.link(link, opened: open, port: port)
      }
      func link(_ link: Link, said control: Control) { side?.link(link, said: control) }
      func link(_ link: Link, goesAway goAway: GoAway) { side?.link(link, goesAway: goAway) }
      func link(_ link: Link, ended end: LinkEnd) { side?.link(link, ended: end) }
    }

    private let forward = Forward()

    init(_ role: Session.Role) throws {
      let id = WireID(high: 0, low: 1)
      let hello = Hello(streamLimit: 8, install: id, instance: id, clock: 0, label: "\(role)")
      link = Link(
        role: role, hello: hello, limits: Session.Limits(), owner: forward,
        flusher: TickFlusher(channel.embeddedEventLoop), loop: channel.embeddedEventLoop)
      forward.side = self
      try channel.pipeline.syncOperations.addHandler(link)
      channel.pipeline.fireChannelActive()
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func link(_ link: Link, said hello: Hello) { heard.append("hello \(hello.label)") }
    func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? {
      self.port = port
      return takes ? self : nil
    }
    func link(_ link: Link, said control: Control) { heard.append("control") }
    func link(_ link: Link, goesAway goAway: GoAway) { heard.append("goAway \(goAway.code)") }
    func link(_ link: Link, ended end: LinkEnd) { ended = end }

    func pipeData(_ bytes: ByteBuffer, end: Bool) {
      received.writeImmutableBuffer(bytes)
      if end { heard.append("end") }
    }
    func pipeResumed() { heard.append("resumed") }
    func pipeStopped(_ farewell: Farewell) { heard.append("stopped \(farewell.code)") }
    func pipeReset(_ farewell: Farewell) { heard.append("reset \(farewell.code)") }
    func pipeLost() { heard.append("lost") }
  }

  private let relay: Side
  private let agent: Side

  init() throws {
    relay = try Side(.relay)
    agent = try Side(.agent)
    try settle()
  }

  /// Carries bytes until neither side has more to say.
  private func settle() throws {
    var quiet = 0
    while quiet < 3 {
      quiet += 1
      for (from, to) in [(relay, agent), (agent, relay)] {
        from.channel.embeddedEventLoop.run()
        while let bytes = try from.channel.readOutbound(as: ByteBuffer.self) {
          quiet = 0
          if to.ended == nil { try to.channel.writeInbound(bytes) }
        }
      }
    }
  }

  private func open() -> StreamPort? {
    let id = WireID(high: 0, low: 9)
    return relay.link.open(
      Open(
        endpoint: id, epoch: 1, kind: .http, exchange: id, client: "", secure: false,
        host: "a.example", receivedAt: 0), end: relay, at: .now)
  }

  @Test("each side hears the other's hello")
  func hello() {
    #expect(relay.heard == ["hello agent"])
    #expect(agent.heard == ["hello relay"])
  }

  @Test("a stream carries bytes both ways and is over when both halves are")
  func stream() throws {
    let port = try #require(open())
    #expect(port.send(ByteBuffer(string: "question"), end: true))
    try settle()
    #expect(String(buffer: agent.received) == "question")
    agent.port?.credit(8)
    _ = agent.port?.send(ByteBuffer(string: "answer"), end: true)
    try settle()
    #expect(String(buffer: relay.received) == "answer")
    port.credit(6)
    try settle()
    #expect(relay.heard == ["hello agent", "end"])
    #expect([relay.link.openStreams, agent.link.openStreams] == [0, 0])
  }

  @Test("a sender waits for a reader that does not, and goes on when it does")
  func credit() throws {
    let port = try #require(open())
    let all = 300_000
    #expect(!port.send(ByteBuffer(repeating: 7, count: all), end: false))
    try settle()
    #expect(agent.received.readableBytes == 65_536)
    #expect(!relay.heard.contains("resumed"))
    var credited = 0
    while credited < all {
      let more = agent.received.readableBytes - credited
      try #require(more > 0)
      agent.port?.credit(more)
      credited += more
      try settle()
    }
    #expect(relay.heard == ["hello agent", "resumed"])
  }

  @Test("stop and reset reach the other end, and nothing is left of the stream")
  func farewells() throws {
    let port = try #require(open())
    _ = port.send(ByteBuffer(string: "half"), end: false)
    try settle()
    agent.port?.stop(Farewell(.done, blame: .upstream))
    agent.port?.reset(Farewell(.upstreamInvalid, blame: .upstream))
    try settle()
    #expect(relay.heard == ["hello agent", "stopped done", "reset upstreamInvalid"])
    #expect([relay.link.openStreams, agent.link.openStreams] == [0, 0])
  }

  @Test("a stream that nobody takes is refused both ways")
  func refused() throws {
    agent.takes = false
    _ = try #require(open())
    try settle()
    #expect(relay.heard.suffix(2) == ["stopped unsupported", "reset unsupported"])
  }

  @Test("when the connection is gone, every stream is lost and the link ends once")
  func lost() throws {
    let port = try #require(open())
    try settle()
    _ = try? relay.channel.finish()
    #expect(relay.heard == ["hello agent", "lost"])
    #expect(relay.ended == .closed)
    #expect(open() == nil)
    // A port that outlives its link says nothing to anybody.
    _ = port.send(ByteBuffer(string: "x"), end: true)
    port.reset(Farewell(.done, blame: .relay))
  }

  @Test("a peer that breaks the protocol hears why, and the link ends with the fault")
  func fault() throws {
    _ = try #require(open())
    try agent.channel.writeInbound(ByteBuffer(repeating: 0x3f, count: 64))
    #expect(agent.channel.isActive == false)
    guard case .fault(.peer)? = agent.ended else {
      Issue.record("\(String(describing: agent.ended))")
      return
    }
    try settle()
    #expect(relay.heard == ["hello agent", "goAway protocolFault"])
  }

  @Test("a link that has said go away takes no stream, one that is closed has said all it had")
  func goAway() throws {
    relay.link.goAway(.drain, "later")
    relay.link.close()
    #expect(relay.ended == .closed)
    try settle()
    #expect(agent.heard == ["hello relay", "goAway drain"])
    #expect(open() == nil)
  }
}
