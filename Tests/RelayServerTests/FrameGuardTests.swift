import NIOCore
import NIOEmbedded
import SessionLink
import Testing

@testable import RelayServer

/// What the guard in front of NIOHTTP2 holds back, and when it closes.
@Suite("frame guard")
struct FrameGuardTests {
  /// Counts how often the channel itself is asked to read.
  private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0
    func read(context: ChannelHandlerContext) { count += 1 }
  }

  private let loop = EmbeddedEventLoop()
  private let reads = Reads()
  private let gate: FrameGuard
  private let channel: EmbeddedChannel

  init() throws {
    gate = FrameGuard(IngressLimits(), TickFlusher(loop))
    channel = EmbeddedChannel(loop: loop)
    try channel.pipeline.syncOperations.addHandlers([reads, gate])
    channel.connect(to: try SocketAddress(unixDomainSocketPath: "/peer"), promise: nil)
    try channel.writeInbound(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
  }

  private func data(_ stream: UInt32, _ count: Int) throws {
    var bytes = ByteBuffer(bytes: [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)])
    bytes.writeBytes([0, 0])
    bytes.writeInteger(stream)
    bytes.writeRepeatingByte(0, count: count)
    try channel.writeInbound(bytes)
  }

  private func isRead() -> Bool {
    let before = reads.count
    channel.read()
    return reads.count > before
  }

  @Test("a connection whose streams have too much waiting is not read until some is passed on")
  func room() throws {
    for stream: UInt32 in stride(from: 1, through: 31, by: 2) {
      gate.opened(stream)
      try data(stream, FrameGuard.room / 16)
    }
    #expect(isRead())
    try data(1, 1)
    #expect(!isRead())
    let before = reads.count
    gate.passed(1, of: 3)
    #expect(reads.count == before + 1 && isRead())
  }

  @Test("what a stream had waiting is forgotten with it, and data of no stream is not counted")
  func closed() throws {
    gate.opened(1)
    try data(1, FrameGuard.room + 1)
    #expect(!isRead())
    gate.closed(1)
    #expect(isRead())
    try data(1, FrameGuard.room + 1)
    #expect(isRead())
  }

  @Test("a goodbye with an error is seen, one without is not")
  func goodbyes() throws {
    func goAway(_ code: UInt32) -> ByteBuffer {
      var bytes = ByteBuffer(bytes: [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])
      bytes.writeInteger(code)
      return bytes
    }
    channel.write(goAway(0), promise: nil)
    #expect(!gate.isBroken)
    channel.write(goAway(11), promise: nil)
    #expect(gate.isBroken)
  }
}
