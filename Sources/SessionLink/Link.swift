import Multiplexer
import NIOCore
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// Drives one `Session` on one connection: reads always, writes while the connection takes it,
/// flushes once a turn, and keeps the heartbeat (limits.md, "Agent link").
///
/// Belongs to its channel's event loop; every entry checks that.
package final class Link: ChannelInboundHandler, FlushTarget, WriteWatched {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  let role: Session.Role
  /// The owner's own number for it.
  package let number: Int
  private var session: Session
  private var ends: [(any PipeEnd)?] = []
  private weak var owner: (any LinkOwner)?
  private let flusher: TickFlusher
  package let loop: any EventLoop
  private var context: ChannelHandlerContext?
  private var isQueued = false
  private(set) var pace = LinkPace()
  /// Enough waits in the kernel; it is asked again in a moment.
  private var isAhead = false
  private var keepAlive: KeepAlive
  private var heartbeat: Scheduled<Void>?
  private var writeWatch: WriteWatch?
  private var pings: UInt64 = 0
  private var endReason: LinkEnd?
  private var isOver = false
  private var isClosing = false
  /// It takes no new streams: it said goodbye, or is over.
  package private(set) var isLeaving = false

  /// Asked before each read; after a no what was read is thrown away, for it came too late.
  private let mayRead: (() -> Bool)?

  package init(
    role: Session.Role, number: Int = 0, hello: Hello, limits: Session.Limits,
    owner: any LinkOwner, flusher: TickFlusher, loop: any EventLoop,
    mayRead: (() -> Bool)? = nil, writeLimit: TimeAmount = WriteWatch.ofLink
  ) {
    self.mayRead = mayRead
    self.role = role
    self.number = number
    session = Session(role: role, hello: hello, limits: limits)
    session.takesShortTurns = true
    self.owner = owner
    self.flusher = flusher
    self.loop = loop
    keepAlive = KeepAlive(at: .now)
    writeWatch = WriteWatch(writeLimit, of: self, on: loop)
  }

  package var openStreams: Int { session.openStreams }

  // MARK: - What the owner and the joined sockets call

  /// Opens a stream; nil when the peer takes no more of them. `now` may be a little old.
  package func open(_ open: Open, end: any PipeEnd, at now: Moment) -> StreamPort? {
    loop.preconditionInEventLoop()
    guard !isOver, let slot = session.open(open) else { return nil }
    keep(end, slot)
    if keepAlive.opens(at: now) { ask() }
    queueFlush()
    return StreamPort(link: self, slot: slot)
  }

  /// Asks the peer for a sign of life: it is silent for too long soon, or heard from.
  package func probe() {
    loop.preconditionInEventLoop()
    if !isOver, keepAlive.probe(at: .now) { ask() }
  }

  /// An answer to what was asked is late: what was sent may have been seen, or not.
  package var isSuspect: Bool { keepAlive.isSuspect }

  package func send(_ control: Control) {
    loop.preconditionInEventLoop()
    session.send(control)
    queueFlush()
  }

  package func goAway(_ code: GoAway.Code, _ text: String) {
    loop.preconditionInEventLoop()
    // One that hands over still opens streams of its own.
    if code != .handover { isLeaving = true }
    session.goAway(code, text)
    queueFlush()
  }

  /// Writes out what waits, then closes.
  package func close(_ reason: LinkEnd = .closed) {
    loop.preconditionInEventLoop()
    guard let context, !isOver else { return }
    if endReason == nil { endReason = reason }
    isClosing = true
    writeOut()
    switch reason {
    // Whoever does not hear us would hear an orderly end no sooner.
    case .silent, .stalled, .superseded: context.closeByReset()
    // One that broke the rules may hear why; TLS's last word would wait for its own.
    case .fault: context.closeBelowTLS()
    case .closed, .failed: context.close(promise: nil)
    }
  }

  func send(_ slot: Slot, _ bytes: ByteBuffer, _ end: Bool) -> Bool {
    loop.preconditionInEventLoop()
    let more = session.send(slot, bytes, end: end)
    queueFlush()
    return more
  }

  func credit(_ slot: Slot, _ count: Int) {
    loop.preconditionInEventLoop()
    session.credit(slot, count)
    if session.hasMoreOutput() { queueFlush() }
  }

  func stop(_ slot: Slot, _ farewell: Farewell) {
    loop.preconditionInEventLoop()
    session.stop(slot, farewell)
    queueFlush()
  }

  func reset(_ slot: Slot, _ farewell: Farewell) {
    loop.preconditionInEventLoop()
    session.reset(slot, farewell)
    queueFlush()
  }

  func breakOff(_ slot: Slot, _ farewell: Farewell) {
    loop.preconditionInEventLoop()
    session.breakOff(slot, farewell)
    queueFlush()
  }

  // MARK: - The connection

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    queueFlush()
    watch()
  }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    take(unwrapInboundIn(data))
  }

  /// Bytes of the peer, also those that came right behind the handshake.
  package func take(_ bytes: ByteBuffer) {
    // TLS that closes still hands out what it decrypts: behind a gap it must not be read.
    if isOver || isClosing { return }
    if let mayRead, !mayRead() { return }
    let now = Moment.now
    if keepAlive.isAsked { owner?.linkAnswered(self) }
    keepAlive.heard(at: now)
    session.receive(bytes, at: now.nanoseconds)
    drain()
  }

  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      eased()
      queueFlush()
    } else {
      pace.pressed(context)
    }
  }

  private func eased() {
    guard let context, pace.eased(context) else { return }
    session.takesShortTurns = pace.width != .wide
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if endReason == nil {
      let told = error as? IOError
      endReason = told?.errnoCode == ECONNRESET ? .closed : .failed(told?.words ?? "\(error)")
    }
    context.close(promise: nil)
  }

  /// A link has no use for half a connection.
  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent {
      close()
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func channelInactive(context: ChannelHandlerContext) { finish() }

  package func handlerRemoved(context: ChannelHandlerContext) { finish() }

  private func finish() {
    guard !isOver else { return }
    isOver = true
    context = nil
    heartbeat?.cancel()
    writeWatch?.cancel()
    writeWatch = nil
    // The owner first: whoever asks for a stream because another is lost must not get this link.
    isLeaving = true
    owner?.link(self, ended: endReason ?? .closed)
    let open = ends
    ends = []
    for end in open { end?.pipeLost() }
  }

  // MARK: - Frames out

  private func queueFlush() {
    if isQueued || isOver || isAhead { return }
    isQueued = true
    flusher.add(self)
  }

  package func flushNow() {
    isQueued = false
    if !waitsForKernel() { writeOut() }
    drain()
  }

  /// Behind a narrow way: enough waits in the kernel, which is asked again in a moment.
  private func waitsForKernel() -> Bool {
    guard pace.width == .narrow, let context, LinkWidth.isAhead(context) else { return false }
    isAhead = true
    pace.pressed(context)
    loop.assumeIsolated().scheduleTask(in: LinkWidth.askedAgain) {
      self.isAhead = false
      self.eased()
      self.queueFlush()
    }
    return true
  }

  private func writeOut() {
    guard let context else { return }
    var wrote = 0
    while context.channel.isWritable, let bytes = session.nextOutput() {
      context.write(wrapOutboundOut(bytes), promise: nil)
      writeWatch?.wrote(bytes.readableBytes)
      wrote += bytes.readableBytes
      // TLS keeps what is not flushed out of the channel's sight: without this the water marks
      // would never be met, and all that streams have to say would stand before the next frame.
      if wrote >= pace.width.highWater {
        context.flush()
        wrote = 0
        if !isClosing, waitsForKernel() { return }
      }
    }
    if wrote > 0 { context.flush() }
  }

  var waitingBytes: Int { context?.waitingBytes ?? 0 }

  func writeStalled() { close(.stalled) }

  // MARK: - Events in

  private func drain() {
    do {
      while !isOver, let event = try session.next() { dispatch(event) }
      if session.hasMoreOutput(), context?.channel.isWritable == true { queueFlush() }
    } catch {
      close(.fault(error))
    }
  }

  private func dispatch(_ event: consuming Session.Event) {
    switch consume event {
    case .data(let slot, let bytes, let end): ends[slot.index]?.pipeData(bytes, end: end)
    case .resumed(let slot): ends[slot.index]?.pipeResumed()
    case .stopped(let slot, let why): ends[slot.index]?.pipeStopped(why)
    case .reset(let slot, let why): ends[slot.index]?.pipeReset(why)
    case .closed(let slot): ends[slot.index] = nil
    case .opened(let slot, let open): welcome(slot, open)
    case .hello(let hello): owner?.link(self, said: hello)
    case .control(let control): owner?.link(self, said: control)
    case .goAway(let goAway): owner?.link(self, goesAway: goAway)
    case .commit, .pong: break
    }
  }

  private func welcome(_ slot: Slot, _ open: Open) {
    let port = StreamPort(link: self, slot: slot)
    guard let end = owner?.link(self, opened: open, port: port) else {
      keep(nil, slot)
      let refusal = Farewell(.unsupported, blame: .agent, "this kind of stream is not served")
      port.stop(refusal)
      port.reset(refusal)
      return
    }
    keep(end, slot)
  }

  private func keep(_ end: (any PipeEnd)?, _ slot: Slot) {
    while ends.count <= slot.index { ends.append(nil) }
    ends[slot.index] = end
  }

  // MARK: - Heartbeat

  private func watch() {
    let now = Moment.now
    switch keepAlive.due(at: now) {
    case .fine(let next): beat(after: next - now)
    case .suspect(let next):
      owner?.linkIsSuspect(self)
      beat(after: next - now)
    case .ping: ask()
    case .dead: close(.silent)
    }
  }

  private func ask() {
    pings &+= 1
    session.ping(pings)
    queueFlush()
    watch()
  }

  private func beat(after delay: Duration) {
    guard !isOver else { return }
    heartbeat?.cancel()
    heartbeat = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
      self.watch()
    }
  }
}
