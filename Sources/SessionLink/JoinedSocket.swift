import NIOCore

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
package final class JoinedSocket: ChannelInboundHandler, RemovableChannelHandler, FlushTarget,
  WriteWatched
{
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
  private var outputHasEnded = false
  /// This side closes it, or it met an error: its end says nothing of the other side's half.
  private var isBroken = false

  /// What stands between this and the network.
  package enum Below {
    case socket
    case tls
    /// A stream of an HTTP/2 connection; it knows how many written bytes wait in it.
    case stream(waiting: () -> Int)
  }

  /// Nil unless this stands on the socket itself.
  private var direct: DirectWrite?
  private let below: Below
  /// Written and not yet handed on: small pieces of one turn leave together.
  private var held = Piece()
  /// Writes that wait for the kernel to have room; NIO keeps them.
  private var backlog = 0
  /// The kernel did not take everything when it was last asked.
  private var isBlocked = false
  /// The user waits until all has left.
  private var wantsRoom = false
  private static let small = 4_096
  /// The connection is aborted when it takes nothing for so long, though something waits; nil: it
  /// may take its time.
  package var writeLimit: TimeAmount? {
    didSet { endWatch() }
  }
  private var writeWatch: WriteWatch?

  package init(flusher: TickFlusher, below: Below = .socket) {
    self.flusher = flusher
    self.below = below
  }

  /// Takes all that was read; what is left of it has to be put back into `unread`.
  package func takeUnread() -> ByteBuffer {
    var bytes = ByteBuffer()
    swap(&bytes, &unread)
    return bytes
  }

  package func attach(_ user: any SocketUser) { self.user = user }

  package var isOpen: Bool { context != nil }
  /// Something that was written waits here for the kernel, or for a client's window.
  package var isSending: Bool { backlog > 0 || !held.isEmpty }
  package var isStream: Bool { if case .stream = below { true } else { false } }
  package var channel: (any Channel)? { context?.channel }

  /// Memory for a head that is about to be written.
  package func buffer(capacity: Int) -> ByteBuffer { flusher.spare.take(capacity) }

  /// Memory that was not written here after all, or is read by nobody any more.
  package func giveBack(_ buffer: consuming ByteBuffer) { flusher.spare.put(buffer) }

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
    switch below {
    case .stream: break  // It has no such options, and asking for one is a trap.
    case .socket, .tls:
      if case .socket = below { direct = DirectWrite(context) }
      // A second read in the same turn would only be copied behind the first.
      try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
    }
    if context.channel.isActive { ask(context) }
  }

  package func channelActive(context: ChannelHandlerContext) { ask(context) }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    hasAsked = false
    let bytes = unwrapInboundIn(data)
    unread.append(bytes)
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

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    isBroken = true
    context.close(promise: nil)
  }

  package func channelInactive(context: ChannelHandlerContext) {
    // Where this side's half is over, NIO tells of the other's proper end by closing, no more.
    if outputHasEnded, !hasEnded, !isBroken {
      hasEnded = true
      user?.socketEnded(self)
    }
    finish()
  }

  package func handlerRemoved(context: ChannelHandlerContext) { finish() }

  private func finish() {
    guard context != nil else { return }
    endWatch()
    context = nil
    direct = nil
    unread = ByteBuffer()
    // Taken out: a creditor that stayed in it would hold this socket, which it is held by.
    var unsent = take()
    unsent.bytes = ByteBuffer()
    unsent.giveBack()
    let last = user
    user = nil
    last?.socketClosed(self)
  }

  // MARK: - Writing

  /// Whether something that was written still waits; then `socketRead` comes once it has left.
  package func mustWait() -> Bool {
    guard backlog > 0 || !held.isEmpty else { return false }
    wantsRoom = true
    return true
  }

  /// Writes bytes of which `count` are `creditor`'s; it is told when they have left.
  package func write(_ bytes: ByteBuffer, owing count: Int = 0, to creditor: (any Creditor)? = nil)
  {
    guard isOpen else { return }
    queueFlush()
    // NIO gathers what is too much for one piece.
    if !held.isEmpty, !joins(bytes, creditor) { leaveToNIO(take()) }
    if held.isEmpty { held.bytes = bytes } else { held.bytes.writeImmutableBuffer(bytes) }
    guard count > 0, let creditor else { return }
    held.owed += count
    held.creditor = creditor
  }

  private func joins(_ bytes: ByteBuffer, _ creditor: (any Creditor)?) -> Bool {
    held.bytes.readableBytes + bytes.readableBytes <= Self.small
      && (creditor == nil || held.creditor == nil || held.creditor === creditor)
  }

  private func take() -> Piece {
    var piece = Piece()
    swap(&piece, &held)
    return piece
  }

  private func handOn() {
    guard !held.isEmpty, isOpen else { return }
    var piece = take()
    if backlog == 0, let direct {
      piece.bytes.moveReaderIndex(forwardBy: direct.write(piece.bytes))
      piece.giveBack()
      isBlocked = !piece.isEmpty
    }
    if piece.isEmpty { giveBack(piece.bytes) } else { leaveToNIO(piece) }
  }

  /// It waits there until the kernel has room.
  private func leaveToNIO(_ piece: Piece) {
    guard let context else { return }
    let promise = context.eventLoop.makePromise(of: Void.self)
    backlog += 1
    if let writeLimit {
      watch(writeLimit, context.eventLoop).wrote(piece.bytes.readableBytes)
    }
    promise.futureResult.assumeIsolated().whenComplete { _ in
      self.backlog -= 1
      if piece.owed > 0 { piece.creditor?.bytesLeft(piece.owed) }
      self.tellOfRoom()
    }
    context.write(wrapOutboundOut(isBlocked ? alone(piece.bytes) : piece.bytes), promise: promise)
  }

  private func watch(_ limit: TimeAmount, _ loop: any EventLoop) -> WriteWatch {
    if let writeWatch { return writeWatch }
    let watch = WriteWatch(limit, of: self, on: loop)
    writeWatch = watch
    return watch
  }

  private func endWatch() {
    writeWatch?.cancel()
    writeWatch = nil
  }

  var waitingBytes: Int {
    if case .stream(let waiting) = below { return waiting() }
    return context?.waitingBytes ?? 0
  }

  func writeStalled() { abort() }

  /// A write that failed makes no room: the connection is gone, though nobody was told yet.
  private func tellOfRoom() {
    guard wantsRoom, !isQueued, backlog == 0, context?.channel.isActive == true else { return }
    wantsRoom = false
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

  /// Lets what was written leave at once: a message is whole, and nothing more would join it.
  package func flush() {
    if isQueued { flushNow() }
  }

  package func flushNow() {
    guard isQueued else { return }
    isQueued = false
    handOn()
    if backlog > 0 { context?.flush() }
    isBlocked = backlog > 0
    tellOfRoom()
    // Whoever was told of room may have written more.
    guard endsOutput, !isQueued, let context else { return }
    endsOutput = false
    // With both halves closed NIO closes at once, and what still waits would be lost.
    if hasEnded { return close() }
    outputHasEnded = true
    context.close(mode: .output, promise: nil)
  }

  // MARK: - Ends

  /// Sends what was written and then this side's end.
  package func endOutput() {
    endsOutput = true
    queueFlush()
  }

  /// Sends what was written, then closes.
  package func close() {
    handOn()
    isBroken = true
    guard let context else { return }
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
      channel.close(promise: nil)
    }
  }

  /// Closes so that the other side cannot take what it got for the whole (a TCP reset).
  package func abort() {
    isBroken = true
    context?.closeByReset()
  }

  /// Hands the connection over to another handler; the answer is what was read but not taken.
  package func leave() -> (any Channel, ByteBuffer)? {
    handOn()
    guard let context else { return nil }
    let rest = unread
    let channel = context.channel
    endWatch()
    self.context = nil
    direct = nil
    user = nil
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
    return (channel, rest)
  }
}

/// Bytes on their way out, the last `owed` of them a creditor's.
private struct Piece {
  var bytes = ByteBuffer()
  var owed = 0
  var creditor: (any Creditor)?

  var isEmpty: Bool { bytes.readableBytes == 0 }

  /// Tells the creditor of all that is no longer here.
  mutating func giveBack() {
    let gone = owed - min(owed, bytes.readableBytes)
    owed -= gone
    if gone > 0 { creditor?.bytesLeft(gone) }
  }
}
