import Multiplexer
import NIOCore
import NIOPosix
import Testing

@testable import SessionLink

/// A peer that takes nothing of what is written to it, with a small limit.
@Suite("writes that stall")
struct WriteStallTests {
  private final class Owner: LinkOwner {
    let endings: Mailbox<LinkEnd>
    init(_ endings: Mailbox<LinkEnd>) { self.endings = endings }
    func link(_ link: Link, said hello: Hello) {}
    func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? { nil }
    func link(_ link: Link, said control: Control) {}
    func link(_ link: Link, goesAway goAway: GoAway) {}
    func link(_ link: Link, ended end: LinkEnd) { endings.put(end) }
  }

  private static func hello() -> Hello {
    let id = WireID(high: 0, low: 1)
    return Hello(streamLimit: 8, install: id, instance: id, clock: 0, label: "")
  }

  /// A link to a listener whose connections are not read, that was told more than the kernel takes.
  private func stall(over carrier: Carrier, limit: TimeAmount) async throws -> LinkEnd {
    let listener = try await RawListener.bind { channel in
      try channel.syncOptions?.setOption(.autoRead, value: false)
    }
    let endings = Mailbox<LinkEnd>()
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let channel = try await ClientBootstrap(group: loop)
      .channelOption(.socketOption(.so_sndbuf), value: 8_192)
      .connect(host: "127.0.0.1", port: listener.port).get()
    let owner = try await loop.submit {
      let inner = Owner(endings)
      let link = Link(
        role: .agent, hello: Self.hello(), limits: Session.Limits(), owner: inner,
        flusher: TickFlusher(loop), loop: loop, writeLimit: limit)
      try LinkChannel.install(link, on: channel, rest: ByteBuffer(), over: carrier)
      // Far more than the two buffers take: one is small, and one that is not read stays small.
      let text = String(repeating: "x", count: 8_000)
      for _ in 0..<200 { link.send(.notice(code: "", text: text)) }
      return NIOLoopBound(inner, eventLoop: loop)
    }.get()
    let end = try await endings.next()
    withExtendedLifetime(owner) {}
    try await listener.close()
    return end
  }

  @Test(
    "a link whose writes make no progress ends whole",
    arguments: [Carrier.raw, .webSocket(.random())])
  func link(_ carrier: Carrier) async throws {
    #expect(try await stall(over: carrier, limit: .milliseconds(200)) == .stalled)
  }

  private final class Watched: WriteWatched {
    let waitingBytes = 1
    func writeStalled() {}
  }

  private final class Pair {
    var owner: Watched?
    var watch: WriteWatch?
  }

  /// NIO takes what is due together, and a task that one of them cancels runs all the same.
  @Test("a timer that is due as its owner goes looks at nobody")
  func ownerGoes() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    try await loop.submit {
      let (pair, owner) = (Pair(), Watched())
      pair.owner = owner
      pair.watch = WriteWatch(.nanoseconds(1), of: owner, on: loop)
      loop.assumeIsolated().scheduleTask(in: .zero) {
        pair.watch?.cancel()
        pair.watch = nil
        pair.owner = nil
      }
      pair.watch?.wrote(1)
      let due = NIODeadline.now() + .milliseconds(1)
      while NIODeadline.now() < due {}
    }.get()
    try await loop.submit {}.get()
  }

  @Test("its end has a word for the log")
  func codes() {
    #expect(LinkEnd.stalled.code == "write-stalled")
    #expect(LinkEnd.fault(.peer(.tooManyControls)).code == "limit")
    #expect(LinkEnd.fault(.peer(.badFields)).code == "protocol-fault")
  }
}
