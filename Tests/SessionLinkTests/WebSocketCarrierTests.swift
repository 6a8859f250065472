import Multiplexer
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import SessionLink

/// The frames of RFC 6455 on one side, a link's bytes on the other.
@Suite("WebSocket carrier")
struct WebSocketCarrierTests {
  /// One end in memory; what stands where a link would notes what it gets, and closes on an error
  /// as a link does.
  private final class End {
    let channel = EmbeddedChannel()
    let link = Standin()
    let carrier: WebSocketCarrier

    init(_ role: Session.Role) throws {
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
      carrier = try WebSocketCarrier.install(on: channel, role: role)
      try channel.pipeline.syncOperations.addHandler(link)
    }

    func receive(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// All that went out so far.
    func sent() throws -> [UInt8] {
      var bytes: [UInt8] = []
      while let more = try channel.readOutbound(as: ByteBuffer.self) {
        bytes += more.readableBytesView
      }
      return bytes
    }
  }

  private final class Standin: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    var bytes: [UInt8] = []
    var faults: [WebSocketFault] = []
    var turns = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      bytes += unwrapInboundIn(data).readableBytesView
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { turns += 1 }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if let fault = error as? WebSocketFault { faults.append(fault) }
      context.close(promise: nil)
    }
  }

  private static let mask: [UInt8] = [0x11, 0x22, 0x33, 0x44]

  /// `first` is FIN, the reserved bits and the opcode; `announced` lies about the length.
  private static func frame(
    _ first: UInt8, _ payload: [UInt8] = [], masked: Bool = true, announced: UInt64? = nil
  ) -> [UInt8] {
    var out = [first]
    let bit: UInt8 = masked ? 0x80 : 0
    let length = announced ?? UInt64(payload.count)
    if length < 126 {
      out.append(bit | UInt8(length))
    } else if length < 1 << 16 {
      out += [bit | 126, UInt8(length >> 8), UInt8(length & 255)]
    } else {
      out.append(bit | 127)
      for shift in stride(from: 56, through: 0, by: -8) { out.append(UInt8(length >> shift & 255)) }
    }
    if masked { out += mask }
    return out + payload.enumerated().map { masked ? $1 ^ mask[$0 % 4] : $1 }
  }

  private static func close(_ code: UInt16) -> [UInt8] {
    [0x88, 0x02, UInt8(code >> 8), UInt8(code & 255)]
  }

  // MARK: - Rules

  struct Wrong: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let fault: WebSocketFault
    let code: UInt16
  }

  static let wrongs: [Wrong] = [
    Wrong("a frame without a mask", frame(0x82, [1], masked: false), .mask, 1002),
    Wrong("text", frame(0x81, [0x61]), .text, 1003),
    Wrong("a reserved bit", frame(0xc2, [1]), .reserved, 1002),
    Wrong("a reserved opcode", frame(0x83, [1]), .reserved, 1002),
    Wrong("a reserved control opcode", frame(0x8b), .reserved, 1002),
    Wrong("a continuation of nothing", frame(0x80, [1]), .order, 1002),
    Wrong("a message inside a message", frame(0x02, [1]) + frame(0x82, [2]), .order, 1002),
    Wrong("a control frame in pieces", frame(0x09, [1]), .frame, 1002),
    Wrong("a ping of 126 bytes", frame(0x89, .init(repeating: 1, count: 126)), .frame, 1002),
    Wrong("a frame over 1 MiB", frame(0x82, announced: 1 << 20 + 1), .frame, 1009),
    Wrong("a frame of 2^63 bytes", frame(0x82, announced: 1 << 63), .frame, 1009),
  ]

  @Test(
    "what is against the rules is the link's end, with the code that says so", arguments: wrongs)
  func refuses(_ wrong: Wrong) throws {
    let relay = try End(.relay)
    try relay.receive(wrong.bytes + Self.frame(0x82, [9]))
    #expect(relay.link.faults == [wrong.fault])
    #expect(!relay.channel.isActive && !relay.link.bytes.contains(9))
    #expect(try relay.sent() == Self.close(wrong.code))
  }

  @Test("an agent refuses a frame with a mask")
  func refusesMask() throws {
    let agent = try End(.agent)
    try agent.receive(Self.frame(0x82, [1]))
    #expect(agent.link.faults == [.mask] && !agent.channel.isActive)
  }

  @Test("the largest frame passes")
  func largest() throws {
    let relay = try End(.relay)
    try relay.receive(Self.frame(0x82, .init(repeating: 7, count: 1 << 20)))
    #expect(relay.link.bytes.count == 1 << 20 && relay.channel.isActive)
  }

  @Test("fragments and empty messages mean nothing, a ping between them is answered")
  func fragments() throws {
    let bytes =
      Self.frame(0x02, [1, 2]) + Self.frame(0x89, [5]) + Self.frame(0x00) + Self.frame(0x80, [3])
      + Self.frame(0x82) + Self.frame(0x8a, [6]) + Self.frame(0x82, [4])
    for step in [1, 3, bytes.count] {
      let relay = try End(.relay)
      for start in stride(from: 0, to: bytes.count, by: step) {
        try relay.receive(Array(bytes[start..<min(start + step, bytes.count)]))
      }
      #expect(relay.link.bytes == [1, 2, 3, 4] && relay.link.faults == [])
      #expect(try relay.sent() == [0x8a, 1, 5])
    }
  }

  @Test("of the pings of a peer that does not read, the latest is answered once it does")
  func pings() throws {
    let relay = try End(.relay)
    relay.channel.isWritable = false
    relay.channel.pipeline.fireChannelWritabilityChanged()
    try relay.receive(Self.frame(0x89, [1]) + Self.frame(0x89, [2]))
    #expect(try relay.sent() == [])
    relay.channel.isWritable = true
    relay.channel.pipeline.fireChannelWritabilityChanged()
    #expect(try relay.sent() == [0x8a, 1, 2])
    #expect(relay.link.turns == 2)
  }

  @Test(
    "a flood of frames that carry nothing is the link's end",
    arguments: [frame(0x89, [1]), frame(0x8a, [1]), frame(0x82)])
  func flood(_ frame: [UInt8]) throws {
    let relay = try End(.relay)
    for _ in 0..<500 { try relay.receive(frame) }
    #expect(relay.link.faults == [])
    // More than come back meanwhile on the slowest machine.
    for _ in 0..<20_000 where relay.channel.isActive { try relay.receive(frame) }
    #expect(relay.link.faults == [.flood] && !relay.channel.isActive)
    #expect(try relay.sent().suffix(4) == Self.close(1008))
  }

  @Test("a close is answered and ends the connection; nothing behind it is heard")
  func closes() throws {
    let relay = try End(.relay)
    try relay.receive(Self.frame(0x88, [0x03, 0xe9]) + Self.frame(0x82, [1]))
    #expect(try relay.sent() == Self.close(1000))
    #expect(!relay.channel.isActive && relay.link.bytes == [] && relay.link.faults == [])
  }

  @Test("a link that closes says so")
  func closesItself() throws {
    let relay = try End(.relay)
    relay.channel.close(promise: nil)
    #expect(try relay.sent() == Self.close(1000))
  }

  @Test("what came right behind the handshake is read like the rest")
  func rest() throws {
    let relay = try End(.relay)
    let frame = Self.frame(0x82, [1, 2, 3])
    try relay.carrier.take(ByteBuffer(bytes: frame[..<4]), on: relay.channel)
    try relay.receive(Array(frame[4...]))
    #expect(relay.link.bytes == [1, 2, 3])
  }

  @Test("a large write goes as messages of 64 KiB, an agent's under masks that differ")
  func cuts() throws {
    let agent = try End(.agent)
    let bytes = (0..<100_000).map { UInt8($0 % 251) }
    try agent.channel.writeOutbound(ByteBuffer(bytes: bytes))
    let sent = try agent.sent()
    #expect(Array(sent[..<10]) == [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0])
    let second = 14 + (64 << 10)
    #expect(Array(sent[second..<second + 4]) == [0x82, 0xfe, 0x86, 0xa0])
    #expect(sent[10..<14] != sent[second + 4..<second + 8])
    let relay = try End(.relay)
    try relay.receive(sent)
    #expect(relay.link.bytes == bytes)
  }

  // MARK: - Both ends on a socket

  @Test("two ends on a socket: bytes arrive as they were sent, both ways")
  func joined() async throws {
    let inbox = ByteInbox()
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          _ = try WebSocketCarrier.install(on: channel, role: .relay)
          try channel.pipeline.syncOperations.addHandler(Echo())
        }
      }.bind(host: "127.0.0.1", port: 0).get()
    let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          _ = try WebSocketCarrier.install(on: channel, role: .agent)
          try channel.pipeline.syncOperations.addHandler(Keep(inbox))
        }
      }.connect(to: try #require(listener.localAddress)).get()
    var text = ""
    for size in [1, 125, 126, 65_535, 65_536, 65_537, 300_000] {
      let part = (0..<size).map { UInt8(0x20 + ($0 * 7 + size) % 90) }
      text += String(decoding: part, as: UTF8.self)
      client.write(ByteBuffer(bytes: part), promise: nil)
    }
    client.flush()
    #expect(try await inbox.count(text.utf8.count) == text)
    try await client.close()
    #expect(try await inbox.rest() == ("", .end))
    try await listener.close()
  }

  private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      context.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
  }

  private final class Keep: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let inbox: ByteInbox

    init(_ inbox: ByteInbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      inbox.add(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) { inbox.end(.end) }
  }
}

extension WebSocketCarrierTests.Wrong {
  fileprivate init(_ what: String, _ bytes: [UInt8], _ fault: WebSocketFault, _ code: UInt16) {
    self.init(testDescription: what, bytes: bytes, fault: fault, code: code)
  }
}
