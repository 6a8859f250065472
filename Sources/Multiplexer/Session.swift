import struct NIOCore.ByteBuffer

/// One end of a session: frames in, events out; calls in, frames out. Pure: no sockets, no
/// clock. Pull: `receive(bytes)`, then `while let event = try next()`, then
/// `while let bytes = nextOutput()`. Nothing calls back.
///
/// Any bytes from the peer end in an event or in one thrown `SessionFault`, never in a trap.
package struct Session {
  package enum Role: Sendable { case relay, agent }

  package enum Event: Equatable {
    case hello(Hello)
    case opened(Slot, Open)
    /// Bytes of a stream; give their number back by `credit` once they left the other socket.
    case data(Slot, ByteBuffer, end: Bool)
    case commit(Slot)
    /// What `send` had to keep is on its way: there is room again.
    case resumed(Slot)
    /// The peer wants no more of a half that had not ended; it is reset already.
    case stopped(Slot, Farewell)
    /// The peer sends no more, and what it sent so far is not whole.
    case reset(Slot, Farewell)
    /// Both halves are over: the last event of this slot. Up to 2 KiB that `data` handed out may
    /// still be on their way to the other socket; their `credit` is not needed any more.
    case closed(Slot)
    case control(Control)
    case pong(UInt64)
    case goAway(GoAway)
  }

  package struct Limits: Sendable {
    /// Streams that the peer may have open at once; the HELLO may promise less, never more.
    package var peerStreams = 4_096
    /// Streams that this side has open at once, whatever the peer would take.
    package var localStreams = 4_096
    package var credit = CreditRules()
    /// limits.md, "CONTROL frames".
    package var controls = Bucket(perSecond: 100, burst: 500)
    /// Frames of the peer's that ask for nothing and tell nothing new.
    package var idle = Bucket(perSecond: 100, burst: 500)
    /// How often the peer may open a stream; nil: as often as it likes.
    package var opens: Bucket?
    package init() {}
  }

  let role: Role
  private(set) var limits: Limits

  // Receiving.
  var rates: Rates
  var input = ByteBuffer()
  var partial: PartialData?
  /// Streams that the peer takes at once; nil until its HELLO has come.
  var peerTakes: Int?
  var failed = false
  var queued: [Event] = []
  var nextQueued = 0

  // Streams.
  var streams: [Stream] = []
  var freeSlots: [Int] = []
  var slotOfID = StreamTable()
  var nextID: UInt64
  var lastPeerID: UInt64 = 0
  /// The last of the peer's streams that an event told of.
  var lastTakenID: UInt64 = 0
  var localOpen = 0
  var peerOpen = 0
  var sendPool: Pool
  var receivePool: Pool

  // Sending.
  var outbox = ByteBuffer()
  var outboxIsOut = false
  var overflow: ByteBuffer?
  var ready = Line()
  /// Senders that only wait for the pool.
  var starved = Line()
  /// Also a stream that is alone puts 4 KiB on the link at once: the next one may come while that
  /// is still on its way.
  package var takesShortTurns = false
  var saidGoAway = false
  /// It said GOAWAY, and not because another takes over what is new.
  private(set) var leaves = false
  var heardGoAway = false

  package init(role: Role, hello: Hello, limits: Limits = Limits()) {
    self.role = role
    self.limits = limits
    self.limits.peerStreams = min(limits.peerStreams, Int(hello.streamLimit))
    rates = Rates(limits)
    nextID = role == .relay ? 1 : 2
    sendPool = Pool(limits.credit.pool)
    receivePool = Pool(limits.credit.pool)
    hello.write(to: &outbox)
  }

  /// Streams that are not over yet, of both sides.
  package var openStreams: Int { localOpen + peerOpen }

  /// Whether `open` can succeed now.
  package var canOpen: Bool {
    guard let peerTakes, !failed, !heardGoAway, !leaves else { return false }
    return localOpen < min(peerTakes, limits.localStreams)
  }

  /// Opens a stream; nil when the peer takes no more of them.
  package mutating func open(_ open: Open) -> Slot? {
    guard canOpen else { return nil }
    let id = nextID
    nextID += 2
    localOpen += 1
    let slot = admit(id, held: open.held)
    freshenOutbox()
    open.write(to: &outbox, stream: id)
    return slot
  }

  /// Queues bytes, and with `end` the end of this half. False: no more until `resumed`, or what
  /// waits here grows. On a half that is over the bytes are dropped.
  package mutating func send(_ slot: Slot, _ bytes: ByteBuffer, end: Bool = false) -> Bool {
    guard let index = live(slot), !streams[index].sendEnded, !streams[index].endIsPending,
      streams[index].breaksOff == nil
    else { return true }
    if sendNow(index, bytes, end: end) { return true }
    if streams[index].pending.readableBytes == 0 {
      streams[index].pending = bytes
    } else {
      // What is sent already must not stay in memory for as long as something waits.
      streams[index].pending.discardReadBytes()
      streams[index].pending.writeImmutableBuffer(bytes)
    }
    streams[index].endIsPending = end
    ready.append(index)
    let waiting = streams[index].pending.readableBytes
    if waiting <= min(Turn.longest, streams[index].credit.allowance(sendPool)) { return true }
    streams[index].waits = true
    return false
  }

  /// `count` bytes of the stream left the other socket.
  package mutating func credit(_ slot: Slot, _ count: Int) {
    guard let index = live(slot), !streams[index].refusesMore, count > 0 else { return }
    streams[index].window.consume(count)
    reportIfDue(index)
    closeIfOver(index)
  }

  /// Asks for, or grants, the first byte of a held stream; said once, later calls do nothing.
  package mutating func commit(_ slot: Slot) {
    guard let index = live(slot), streams[index].isHeld, !streams[index].saidCommit
    else { return }
    streams[index].saidCommit = true
    freshenOutbox()
    outbox.writeFrameHeader(.commit, stream: streams[index].id, length: 0)
  }

  /// "I send no more": what waits is dropped. Nothing happens to a half that has ended.
  package mutating func reset(_ slot: Slot, _ farewell: Farewell) {
    guard let index = live(slot), !streams[index].sendEnded else { return }
    endSending(index, farewell)
    closeIfOver(index)
  }

  /// "I send no more", but what waits still goes first: this half breaks off where its source did.
  package mutating func breakOff(_ slot: Slot, _ farewell: Farewell) {
    guard let index = live(slot), !streams[index].sendEnded, !streams[index].endIsPending
    else { return }
    streams[index].breaksOff = farewell
    ready.append(index)
  }

  /// "Send me no more": what still comes is thrown away.
  package mutating func stop(_ slot: Slot, _ farewell: Farewell) {
    guard let index = live(slot), !streams[index].refusesMore else { return }
    if streams[index].receiveEnded, streams[index].window.pooled == 0 { return }
    freshenOutbox()
    farewell.write(.stop, to: &outbox, stream: streams[index].id)
    streams[index].refusesMore = true
    streams[index].window.release(&receivePool)
    closeIfOver(index)
  }

  package mutating func send(_ control: Control) {
    freshenOutbox()
    control.write(to: &outbox)
  }

  package mutating func ping(_ payload: UInt64) {
    freshenOutbox()
    outbox.writeFrameHeader(.ping, length: 8)
    outbox.writeInteger(payload)
    rates.pongIsDue()
  }

  /// Takes no new streams from here on; those that run go on. A stream of the peer's that crosses
  /// this on its way is refused as `overloaded`, without an event. Only after `handover` this side
  /// still opens its own.
  package mutating func goAway(_ code: GoAway.Code, _ text: String) {
    saidGoAway = true
    if code != .handover { leaves = true }
    freshenOutbox()
    GoAway(code, text, lastStream: lastTakenID).write(to: &outbox)
  }
}

extension Session {
  func live(_ slot: Slot) -> Int? {
    guard slot.index < streams.count, streams[slot.index].isOpen,
      streams[slot.index].generation == slot.generation
    else { return nil }
    return slot.index
  }

  mutating func admit(_ id: UInt64, held: Bool) -> Slot {
    rates.streamBegins()
    let index = freeSlots.popLast() ?? streams.count
    var generation: UInt32 = 0
    if index < streams.count {
      generation = streams[index].generation &+ 1
      streams[index] = Stream(id, generation: generation, held: held, limits.credit)
    } else {
      streams.append(Stream(id, generation: generation, held: held, limits.credit))
    }
    slotOfID.add(id, index)
    return Slot(index: index, generation: generation)
  }

  func slot(_ index: Int) -> Slot { Slot(index: index, generation: streams[index].generation) }

  mutating func endSending(_ index: Int, _ farewell: Farewell) {
    freshenOutbox()
    farewell.write(.reset, to: &outbox, stream: streams[index].id)
    rates.reportsMayCross(streams[index].credit.outstanding)
    streams[index].sendEnded = true
    streams[index].pending = ByteBuffer()
    streams[index].endIsPending = false
    streams[index].breaksOff = nil
    streams[index].credit.release(&sendPool)
  }

  mutating func reportIfDue(_ index: Int) {
    guard !streams[index].refusesMore else { return }
    let ended = streams[index].receiveEnded
    guard streams[index].window.reportIsDue(ended: ended) else { return }
    let report = streams[index].window.report(&receivePool, ended: ended)
    freshenOutbox()
    outbox.writeFrameHeader(.window, stream: streams[index].id, length: 16)
    outbox.writeWithUnsafeMutableBytes(minimumWritableBytes: 16) { memory in
      var pen = FieldPen(memory)
      pen.put(report.consumed)
      pen.put(report.limit)
      return pen.count
    }
  }

  mutating func closeIfOver(_ index: Int) {
    guard streams[index].isOpen, streams[index].isOver else { return }
    let id = streams[index].id
    streams[index].isOpen = false
    streams[index].pending = ByteBuffer()
    slotOfID.remove(id)
    if isLocal(id) { localOpen -= 1 } else { peerOpen -= 1 }
    if streams[index].isUnseen {
      // Nobody has heard of it, so nobody keeps anything by its slot.
      freeSlots.append(index)
    } else {
      queued.append(.closed(slot(index)))
    }
  }

  func isLocal(_ id: UInt64) -> Bool { (id & 1 == 1) == (role == .relay) }
}
