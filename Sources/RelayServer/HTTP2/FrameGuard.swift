import NIOCore
import NIOHTTP2
import SessionLink
import TunnelCore

/// Stands between an HTTP/2 connection's socket and NIOHTTP2: ends the connection that wastes its
/// frames or lets a head drip, holds its reading back while its streams have more than they can
/// pass on, and lets what one turn of the loop wrote leave together.
///
/// Belongs to the relay's event loop.
final class FrameGuard: ChannelDuplexHandler, FlushTarget {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// `PRI * HTTP/2.0`, and what belongs to it (RFC 9113, section 3.4).
  private static let preface = 24
  /// Bytes of bodies that may wait in all streams before reading stops.
  static let room = 1 << 20

  private let limits: IngressLimits
  private let flusher: TickFlusher
  private var context: ChannelHandlerContext?
  private var inbound = FrameWalker(behind: preface)
  private var outbound = FrameWalker()
  private var census: FrameCensus
  private let deadline = LazyDeadline()
  /// GOAWAY was said, and the client may not hear of it.
  private let leaving = LazyDeadline()
  /// The client takes nothing of what the relay writes.
  private let stall = LazyDeadline()
  private var hadHead = false
  private var isLate = false
  private var blockIsOpen = false
  /// NIOHTTP2 has found a fault in the connection and said GOAWAY.
  private(set) var isBroken = false
  private var isLeaving = false
  private var isQueued = false
  private var isClosing = false
  private var isForced = false
  /// Bytes of bodies that wait, by open stream, and in all.
  private var held: [UInt32: Int] = [:]
  private var heldInAll = 0
  private var wantsRead = false
  /// Streams that the client resets in the bytes at hand: their requests are none.
  private(set) var resets: Set<UInt32> = []

  init(_ limits: IngressLimits, _ flusher: TickFlusher) {
    self.limits = limits
    self.flusher = flusher
    census = FrameCensus(limit: limits.idleFrames, seconds: 10)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    // They live no longer than this.
    for one in [deadline, leaving, stall] { one.met = { [unowned self] in self.close() } }
    deadline.set(limits.firstHead, on: context.eventLoop)
  }

  func handlerRemoved(context: ChannelHandlerContext) { forget() }

  func channelInactive(context: ChannelHandlerContext) {
    forget()
    // Closed within a read: NIOHTTP2 keeps a list of the streams that have read, and they it, until
    // that read is over.
    context.fireChannelReadComplete()
    context.fireChannelInactive()
  }

  private func forget() {
    for one in [deadline, leaving, stall] { one.cancel() }
    context = nil
  }

  /// At once, whatever has not left.
  private func close() {
    isForced = true
    context?.channel.close(promise: nil)
  }

  // MARK: - From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    var before = inbound.current
    while let head = inbound.next(&bytes) {
      // What stands before another frame was whole.
      if let before, before.isOfHeaderBlock, before.endsHeaders { headIsThrough() }
      before = head
      if !blockIsOpen { isInTime() }
      guard census.took(head, at: Moment.now.nanoseconds) else { return close() }
      if head.isReset { resets.insert(head.stream) }
      if head.isOfHeaderBlock { blockIsOpen = !head.endsHeaders }
      if head.isData, held[head.stream] != nil {
        held[head.stream, default: 0] += head.count
        heldInAll += head.count
      }
    }
    watchHead(context)
    context.fireChannelRead(data)
    if !resets.isEmpty { resets = [] }
  }

  /// A head, and any other small frame, has its time from its first byte (limits.md).
  private func watchHead(_ context: ChannelHandlerContext) {
    let isInside = inbound.isInside && inbound.current?.isData == false
    if !hadHead {
      if inbound.current?.isOfHeaderBlock == true, !blockIsOpen, !isInside { headIsThrough() }
    } else if blockIsOpen || isInside {
      if !isLate { deadline.set(limits.laterHead, on: context.eventLoop) }
      isLate = true
    } else {
      isInTime()
    }
  }

  private func isInTime() {
    guard isLate else { return }
    isLate = false
    deadline.clear()
  }

  /// The first: from here on there are streams, or a connection at rest.
  private func headIsThrough() {
    if hadHead { return }
    hadHead = true
    deadline.clear()
  }

  func read(context: ChannelHandlerContext) {
    wantsRead = heldInAll > Self.room
    if !wantsRead { context.read() }
  }

  // MARK: - Streams

  func opened(_ stream: UInt32) { held[stream] = 0 }

  func closed(_ stream: UInt32) {
    heldInAll -= held.removeValue(forKey: stream) ?? 0
    readOn()
  }

  /// A stream has passed on `count` bytes of its request's body, padding not counted.
  func passed(_ count: Int, of stream: UInt32) {
    guard let waiting = held[stream] else { return }
    let count = min(count, waiting)
    held[stream] = waiting - count
    heldInAll -= count
    readOn()
  }

  func sentData() { census.sentData() }

  private func readOn() {
    guard wantsRead, heldInAll <= Self.room else { return }
    wantsRead = false
    context?.read()
  }

  // MARK: - To the client

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var bytes = unwrapOutboundIn(data)
    while let head = outbound.next(&bytes) {
      // Its second word is the error's code; 0 is none (RFC 9113, section 6.8).
      guard head.isGoAway, let code = bytes.getInteger(at: bytes.readerIndex + 4, as: UInt32.self)
      else { continue }
      if code != 0 { isBroken = true }
      if !isLeaving { leaving.set(limits.drain, on: context.eventLoop) }
      isLeaving = true
    }
    context.write(data, promise: promise)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      stall.clear()
    } else {
      stall.set(limits.clientWrite, on: context.eventLoop)
    }
    context.fireChannelWritabilityChanged()
  }

  func flush(context: ChannelHandlerContext) {
    if isQueued { return }
    isQueued = true
    flusher.add(self)
  }

  func flushNow() {
    isQueued = false
    context?.flush()
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all, !isBroken, !isForced, !isClosing else {
      context.flush()
      return context.close(mode: mode, promise: promise)
    }
    // What was written leaves first: the kernel may have no room for it now.
    isClosing = true
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
      context.close(mode: mode, promise: promise)
    }
  }
}
