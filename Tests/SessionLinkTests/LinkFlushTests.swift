import Multiplexer
import NIOCore
import NIOEmbedded
import Testing

@testable import SessionLink

/// How much a link writes between two flushes: TLS shows the channel nothing of it, so the water
/// marks cannot.
@Suite("link flushes")
struct LinkFlushTests {
  private final class Hoard: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var kept = 0
    var most = 0

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      kept += unwrapOutboundIn(data).readableBytes
      most = max(most, kept)
      context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
      kept = 0
      context.flush()
    }
  }

  private final class Nobody: LinkOwner, PipeEnd {
    func link(_ link: Link, said hello: Hello) {}
    func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? { nil }
    func link(_ link: Link, said control: Control) {}
    func link(_ link: Link, goesAway goAway: GoAway) {}
    func link(_ link: Link, ended end: LinkEnd) {}
    func pipeData(_ bytes: ByteBuffer, end: Bool) {}
    func pipeResumed() {}
    func pipeStopped(_ farewell: Farewell) {}
    func pipeReset(_ farewell: Farewell) {}
    func pipeLost() {}
  }

  @Test("many streams' data is flushed as it fills the water mark, not all at once")
  func flushes() throws {
    let id = WireID(high: 0, low: 1)
    let hello = Hello(streamLimit: 64, install: id, instance: id, clock: 0, label: "")
    var peer = Session(role: .agent, hello: hello)
    let (channel, hoard, nobody) = (EmbeddedChannel(), Hoard(), Nobody())
    let link = Link(
      role: .relay, hello: hello, limits: Session.Limits(), owner: nobody,
      flusher: TickFlusher(channel.embeddedEventLoop), loop: channel.embeddedEventLoop)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.pipeline.syncOperations.addHandlers(hoard, link)
    channel.embeddedEventLoop.run()
    while let bytes = peer.nextOutput() { try channel.writeInbound(bytes) }
    let piece = ByteBuffer(repeating: 1, count: 64 << 10)
    for number in 1...16 {
      let open = Open(
        endpoint: id, epoch: 1, kind: .http, exchange: WireID(high: 0, low: UInt64(number)),
        client: "192.0.2.1", secure: false, host: "mine.example", receivedAt: 0)
      let port = try #require(link.open(open, end: nobody, at: .now))
      _ = port.send(piece, end: true)
    }
    hoard.most = 0
    channel.embeddedEventLoop.run()
    var sent = 0
    while let bytes = try channel.readOutbound(as: ByteBuffer.self) { sent += bytes.readableBytes }
    #expect(sent > 16 * (48 << 10) && hoard.kept == 0)
    #expect(hoard.most <= LinkWidth.wide.highWater + (66 << 10))
  }
}
