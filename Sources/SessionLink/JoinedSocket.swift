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
  private var isQueued = false
  private var endsOutput = false

  /// Writes of creditors that the kernel has not taken yet.
  private var backlog = 0
  /// It did not take all of them at the last flush.
  private var isBlocked = false

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
    context.read()
  }

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { context.read() }
  }

  package func channelActive(context: ChannelHandlerContext) { context.read() }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    let bytes = unwrapInboundIn(data)
    if unread.readableBytes == 0 { unread = bytes } else { unread.writeImmutableBuffer(bytes) }
    user?.socketRead(self)
    // Kept, a drained buffer would make the next read take new memory.
    if unread.readableBytes == 0 { unread = ByteBuffer() }
  }

  package func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    if readsOn { context.read() }
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent, !hasEnded {
      hasEnded = true
      user?.socketEnded(self)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { user?.socketRead(self) }
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
    let last = user
    user = nil
    last?.socketClosed(self)
  }

  // MARK: - Writing

  /// Whether the kernel has not yet taken all that creditors wrote, or much of anything else.
  package var isBackedUp: Bool { backlog > 0 || context?.channel.isWritable == false }

  /// Writes bytes of which `count` are `creditor`'s; it is told when they have left.
  package func write(_ bytes: ByteBuffer, owing count: Int = 0, to creditor: (any Creditor)? = nil)
  {
    guard let context else { return }
    queueFlush()
    guard count > 0, let creditor else {
      return context.write(wrapOutboundOut(bytes), promise: nil)
    }
    let promise = context.eventLoop.makePromise(of: Void.self)
    backlog += 1
    promise.futureResult.assumeIsolated().whenComplete { _ in self.left(count, of: creditor) }
    context.write(wrapOutboundOut(isBlocked ? alone(bytes) : bytes), promise: promise)
  }

  private func left(_ count: Int, of creditor: any Creditor) {
    backlog -= 1
    creditor.bytesLeft(count)
    guard backlog == 0, context != nil else { return }
    isBlocked = false
    user?.socketRead(self)
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
    isBlocked = backlog > 0
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
