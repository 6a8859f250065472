import NIOCore
import NIOHTTP2
import SessionLink
import TunnelCore

/// A public connection that speaks HTTP/2 (RFC 9113): each of its streams becomes one HTTP/1.1
/// message and joins the ingress as a connection of its own with one exchange.
///
/// The last of the connection's handlers; belongs to the relay's event loop.
final class HTTP2Connection: ChannelInboundHandler, PublicConnection {
  typealias InboundIn = HTTP2Frame

  private static let streamWindow = 128 << 10
  private static let connectionWindow = 1 << 20

  private let gate: FrameGuard
  private var context: ChannelHandlerContext?

  private init(_ gate: FrameGuard) { self.gate = gate }

  /// Puts HTTP/2 on a connection that has read nothing yet; `read` is what somebody else has.
  static func install(
    _ relay: RelayCore, on channel: any Channel, peer: ClientAddress, read: ByteBuffer? = nil
  ) throws {
    let loop = channel.eventLoop
    let gate = FrameGuard(relay.limits, relay.flusher)
    let keeping = NIOHTTP2ServerConnectionManagementHandler(
      eventLoop: loop,
      configuration: .init(
        maxIdleTime: relay.limits.idle, maxAge: nil, maxGraceTime: relay.limits.drain,
        keepalive: nil))
    let parts = NIOLoopBound((relay, peer, gate), eventLoop: loop)
    let streams = NIOHTTP2Handler(
      mode: .server, eventLoop: loop,
      connectionConfiguration: connectionSettings(relay.limits),
      streamConfiguration: streamSettings(relay.limits),
      streamDelegate: StreamsSeen(gate: NIOLoopBound(gate, eventLoop: loop), keeping: keeping)
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        let (relay, peer, gate) = parts.value
        try enter(stream, relay, peer, gate)
      }
    }
    let connection = HTTP2Connection(gate)
    relay.open.entered(connection, on: channel)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandlers(gate, streams, keeping, connection)
    // Its idle time begins with this, which has passed already.
    keeping.channelActive(context: try pipeline.context(handler: keeping))
    try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 4)
    try channel.syncOptions?.setOption(.autoRead, value: true)
    if let read, read.readableBytes > 0 {
      pipeline.fireChannelRead(NIOAny(read))
      pipeline.fireChannelReadComplete()
    }
    channel.read()
    // Let in while the relay was leaving already.
    if relay.isDraining { connection.windDown(closesIdle: false) }
  }

  private static func enter(
    _ stream: any Channel, _ relay: RelayCore, _ peer: ClientAddress, _ gate: FrameGuard
  ) throws {
    try stream.syncOptions?.setOption(.autoRead, value: false)
    let id = try stream.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)
    let translator = StreamTranslator(gate, stream: id.map { UInt32(Int32($0)) } ?? 0)
    let socket = JoinedSocket(flusher: relay.flusher, below: .stream { translator.waiting })
    socket.writeLimit = relay.limits.clientWrite
    let connection = IngressConnection(relay, socket, peer: peer)
    // Both live as long as the stream.
    translator.refuse = { [unowned connection] in connection.refuse(Problem($0)) }
    try stream.pipeline.syncOperations.addHandlers(translator, socket)
  }

  // MARK: - Limits

  private static func connectionSettings(
    _ limits: IngressLimits
  ) -> NIOHTTP2Handler.ConnectionConfiguration {
    var settings = NIOHTTP2Handler.ConnectionConfiguration()
    settings.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.clientStreams),
      HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerList),
      HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
      // RFC 9113, section 5.3.2: priorities of old are not looked at.
    ]
    settings.targetWindowSize = connectionWindow
    settings.maximumSequentialContinuationFrames = limits.continuations
    // FrameCensus counts those that are empty.
    settings.maximumSequentialEmptyDataFrames = .max
    settings.controlFrameRateLimit.maximumCount = limits.controlFrames
    // For a connection's whole life; the rate of streams' faults is limited below.
    settings.maximumConnectionGlitches = .max
    return settings
  }

  private static func streamSettings(
    _ limits: IngressLimits
  ) -> NIOHTTP2Handler.StreamConfiguration {
    var settings = NIOHTTP2Handler.StreamConfiguration()
    settings.targetWindowSize = streamWindow
    settings.streamResetFrameRateLimit.maximumCount = limits.controlFrames
    settings.streamErrorRateLimit.maximumCount = limits.controlFrames
    return settings
  }

  // MARK: - Ends

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  /// NIOHTTP2 says GOAWAY, and would leave the connection to a client that goes on (limits.md).
  /// What is only a stream's fault has reset that stream.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is any NIOHTTP2Error, !gate.isBroken { return }
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  /// GOAWAY; what runs is finished, and what is on its way still taken.
  func windDown(closesIdle: Bool) {
    context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
  }
}

/// Tells both who count a connection's streams.
private struct StreamsSeen: NIOHTTP2StreamDelegate {
  let gate: NIOLoopBound<FrameGuard>
  private let keeping: NIOHTTP2ServerConnectionManagementHandler.HTTP2StreamDelegate

  init(gate: NIOLoopBound<FrameGuard>, keeping: NIOHTTP2ServerConnectionManagementHandler) {
    self.gate = gate
    self.keeping = keeping.http2StreamDelegate
  }

  func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
    gate.value.opened(UInt32(Int32(id)))
    keeping.streamCreated(id, channel: channel)
  }

  func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
    gate.value.closed(UInt32(Int32(id)))
    keeping.streamClosed(id, channel: channel)
  }
}
