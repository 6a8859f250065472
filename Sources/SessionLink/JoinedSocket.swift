import NIOCore
import NIOSSL

/// Whose bytes a socket writes: told when they have left it.
package protocol Creditor: AnyObject {
  func bytesLeft(_ count: Int)
}

/// Who decides what a joined socket's bytes mean.
package protocol SocketUser: AnyObject {
  /// More bytes stand in `socket.unread`, or all that was written has left.
  func socketRead(_ socket: JoinedSocket)
  /// The other side sends no more; writing still works.
  func socketEnded(_ socket: JoinedSocket)
  /// The connection is gone; the last call.
  func socketClosed(_ socket: JoinedSocket)
}

/// The one join of a socket and a pipe, used at both ends: what is read waits in `unread` until
/// its user takes it, and reading stops while the far side has no room; what is written is given
/// back to the pipe as credit once it has left this socket, so the slow side slows the fast one.
///
/// Reading is asked for again inside the read's own completion: with automatic reading off that
/// is what spares two `epoll_ctl` an exchange. Belongs to its channel's event loop.
package final class JoinedSocket: ChannelInboundHandler, RemovableChannelHandler, FlushTarget {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  /// Read and not yet taken.
  package var unread = ByteBuffer()
  /// The other side's end has come.
  package private(set) var hasEnded = false
  /// Held until the connection is gone: a socket keeps its user alive.
  private var user: (any SocketUser)?
  private let flusher: TickFlusher
  private var context: ChannelHandlerContext?
  private var readsOn = true
  private var isReading = false
  /// `read` was asked for, and nothing has come of it yet.
  private var hasAsked = false
  private var isQueued = false
  private var endsOutput = false

  /// Large writes of creditors that the kernel has not taken yet: each has a promise.
  private var backlog = 0
  /// Small writes of one creditor, given back together once nothing waits any more: a promise for
  /// each was a fifth of an exchange's instructions.
  private var owed = 0
  private var owedTo: (any Creditor)?
  /// The kernel did not take all of them at the last flush.
  private var isBlocked = false
  /// The user waits until all has left.
  private var wantsRoom = false
  private static let small = 4_096

  package init(flusher: TickFlusher) { self.flusher = flusher }

  package func attach(_ user: any SocketUser) { self.user = user }

  package var isOpen: Bool { context != nil }
  package var channel: (any Channel)? { context?.channel }

  /// Memory for a head that is about to be written.
  package func buffer(capacity: Int) -> ByteBuffer {
    context?.channel.allocator.buffer(capacity: capacity) ?? ByteBuffer()
  }

  // MARK: - Reading

  package func pauseReading() { readsOn = false }

  package func resumeReading() {
    readsOn = true
    guard !isReading, let context else { return }
    ask(context)
  }

  private func ask(_ context: ChannelHandlerContext) {
    if hasAsked { return }
    hasAsked = true
    context.read()
  }

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if let options = context.channel.syncOptions {
      // So `isWritable` says whether everything has left.
      try? options.setOption(.writeBufferWaterMark, value: .init(low: 1, high: 1))
      // A second read in the same turn would only be copied behind the first.
      try? options.setOption(.maxMessagesPerRead, value: 1)
    }
    if context.channel.isActive { ask(context) }
  }

  package func channelActive(context: ChannelHandlerContext) { ask(context) }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    hasAsked = false
    let bytes = unwrapInboundIn(data)
    if unread.readableBytes == 0 { unread = bytes } else { unread.writeImmutableBuffer(bytes) }
    user?.socketRead(self)
    // Kept, a drained buffer would make the next read take new memory.
    if unread.readableBytes == 0 { unread = ByteBuffer() }
  }

  package func channelReadComplete(context: ChannelHandlerContext) {
    hasAsked = false
    // What was read may leave at once and make room: reading that stops here and goes on later in
    // this turn costs two `epoll_ctl`.
    if !readsOn { flusher.run() }
    isReading = false
    if readsOn { ask(context) }
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent, !hasEnded {
      hasEnded = true
      user?.socketEnded(self)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  /// What was blocked has left, or what TLS had to say of its own, while the user waited. In all
  /// other cases `flushNow` sees to it.
  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    if isBlocked || (wantsRoom && !isQueued) { allLeft() }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  package func channelInactive(context: ChannelHandlerContext) { finish() }
  package func handlerRemoved(context: ChannelHandlerContext) { finish() }

  private func finish() {
    guard context != nil else { return }
    context = nil
    unread = ByteBuffer()
    giveBack()
    let last = user
    user = nil
    last?.socketClosed(self)
  }

  // MARK: - Writing

  /// Whether something that was written still waits; then `socketRead` comes once it has left.
  package func mustWait() -> Bool {
    guard backlog > 0 || owed > 0 || context?.channel.isWritable == false else { return false }
    wantsRoom = true
    return true
  }

  /// Writes bytes of which `count` are `creditor`'s; it is told when they have left.
  package func write(_ bytes: ByteBuffer, owing count: Int = 0, to creditor: (any Creditor)? = nil)
  {
    guard let context else { return }
    queueFlush()
    guard count > 0, let creditor else {
      return context.write(wrapOutboundOut(bytes), promise: nil)
    }
    if !isBlocked, bytes.readableBytes <= Self.small, owedTo == nil || owedTo === creditor {
      owed += count
      if owedTo == nil { owedTo = creditor }
      return context.write(wrapOutboundOut(bytes), promise: nil)
    }
    let promise = context.eventLoop.makePromise(of: Void.self)
    backlog += 1
    promise.futureResult.assumeIsolated().whenComplete { _ in
      self.backlog -= 1
      creditor.bytesLeft(count)
    }
    context.write(wrapOutboundOut(isBlocked ? alone(bytes) : bytes), promise: promise)
  }

  /// Nothing that was written waits any more.
  private func allLeft() {
    isBlocked = false
    giveBack()
    guard wantsRoom, backlog == 0, context != nil else { return }
    wantsRoom = false
    user?.socketRead(self)
  }

  private func giveBack() {
    guard let creditor = owedTo else { return }
    let count = owed
    owed = 0
    owedTo = nil
    creditor.bytesLeft(count)
  }

  /// A small slice that may have to wait is copied, lest it keeps the whole read that it came in.
  private func alone(_ bytes: ByteBuffer) -> ByteBuffer {
    guard bytes.readableBytes < bytes.storageCapacity / 4 else { return bytes }
    var copy = buffer(capacity: bytes.readableBytes)
    copy.writeImmutableBuffer(bytes)
    return copy
  }

  private func queueFlush() {
    if isQueued { return }
    isQueued = true
    flusher.add(self)
  }

  package func flushNow() {
    isQueued = false
    guard let context else { return }
    context.flush()
    if context.channel.isWritable { allLeft() } else { isBlocked = true }
    if endsOutput {
      endsOutput = false
      // With both halves closed NIO closes at once, and what still waits would be lost.
      if hasEnded { close() } else { context.close(mode: .output, promise: nil) }
    }
  }

  // MARK: - Ends

  /// Sends what was written and then this side's end.
  package func endOutput() {
    endsOutput = true
    queueFlush()
  }

  /// Sends what was written, then closes.
  package func close() {
    guard let context else { return }
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
      channel.close(promise: nil)
    }
  }

  /// Closes so that the other side cannot take what it got for the whole (a TCP reset).
  package func abort() {
    guard let context else { return }
    if let options = context.channel as? any SocketOptionProvider {
      _ = options.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0))
    }
    // Below TLS: its close_notify would say that all had been sent (RFC 8446, section 6.1).
    let below = try? context.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
    (below ?? context).close(promise: nil)
  }

  /// Hands the connection over to another handler; the answer is what was read but not taken.
  package func leave() -> (any Channel, ByteBuffer)? {
    guard let context else { return nil }
    let rest = unread
    let channel = context.channel
    self.context = nil
    user = nil
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
    return (channel, rest)
  }
}
