import NIOCore

@testable import Multiplexer

/// One machine with a driver that does all that a driver may do, and a peer that does what it
/// likes. Nothing traps, nothing is granted twice, and after its one fault it is silent.
struct HostileCheck {
  private var session: Session
  private var input: ArraySlice<UInt8>
  /// Every slot that was ever heard of, and what of it may still be given back.
  private var slots: [Slot]
  private var held: [Slot: Int] = [:]
  private var closed: Set<Slot> = []
  private var faults = 0

  init(_ session: Session, slots: [Slot], _ input: ArraySlice<UInt8>) {
    self.session = session
    self.slots = slots
    self.input = input
    for slot in slots { held[slot] = 0 }
  }

  private mutating func byte() -> UInt8 { input.popFirst() ?? 0 }
  private mutating func short() -> Int { Int(byte()) << 8 | Int(byte()) }

  private mutating func id() -> UInt64 {
    switch byte() {
    case 255: .max
    case 254: UInt64(Int64.max)
    case let small: UInt64(small)
    }
  }

  mutating func run() throws(Broken) {
    while !input.isEmpty {
      switch byte() % 10 {
      case 0: try hear(frame(byte(), flags: byte(), stream: id(), rest(Int(byte()))))
      case 1: try hear(frame(3, flags: byte() & 1, stream: id(), zeros(short())))
      case 2: try hear(window())
      case 3: try hear(open())
      case 4: try hear(rest(Int(byte())))
      case 5: try hear(frame(byte() % 12, stream: id(), rest(Int(byte()))))
      case 6: send()
      case 7: drive()
      case 8: try flush()
      default: _ = session.nextOutput()
      }
      try checkSums()
    }
    try flush()
    try checkSums()
  }

  // MARK: The peer

  private mutating func rest(_ count: Int) -> ByteBuffer {
    let bytes = input.prefix(count)
    input = input.dropFirst(count)
    return ByteBuffer(bytes: bytes)
  }

  private func zeros(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 0, count: count) }

  private func frame(
    _ type: UInt8, flags: UInt8 = 0, stream: UInt64, _ payload: ByteBuffer
  ) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeMultipleIntegers(type, flags, UInt32(payload.readableBytes), stream)
    buffer.writeImmutableBuffer(payload)
    return buffer
  }

  private mutating func window() -> ByteBuffer {
    let stream = id()
    var payload = ByteBuffer()
    payload.writeMultipleIntegers(UInt64(short()), UInt64(short()) << (byte() & 47))
    return frame(FrameType.window.rawValue, stream: stream, payload)
  }

  private mutating func open() -> ByteBuffer {
    var open = Open.sample
    open.held = byte() & 1 == 1
    var buffer = ByteBuffer()
    open.write(to: &buffer, stream: id())
    return buffer
  }

  // MARK: The driver

  private mutating func hear(_ bytes: ByteBuffer) throws(Broken) {
    session.receive(bytes, at: 0)
    var wrong: String?
    do throws(SessionFault) {
      while wrong == nil, let event = try session.next() { wrong = see(event) }
    } catch {
      faults += 1
      try demand(faults == 1, "a second fault: \(error)")
    }
    if let wrong { throw Broken(wrong) }
  }

  /// What is wrong with this event, if anything.
  private mutating func see(_ event: Session.Event) -> String? {
    switch event {
    case .opened(let slot, _):
      if held[slot] != nil { return "a slot was given twice" }
      slots.append(slot)
      held[slot] = 0
    case .data(let slot, let bytes, _):
      guard let before = held[slot], !closed.contains(slot) else { return "DATA of no stream" }
      held[slot] = before + bytes.readableBytes
    case .commit(let slot), .resumed(let slot), .stopped(let slot, _), .reset(let slot, _):
      if held[slot] == nil || closed.contains(slot) { return "an event of no stream" }
      // What is left of half a message is thrown away.
      if case .reset = event { held[slot] = 0 }
    case .closed(let slot):
      if held[slot] == nil || !closed.insert(slot).inserted { return "closed twice, or nothing" }
      held[slot] = 0
    case .hello, .control, .pong, .goAway: break
    }
    return nil
  }

  private mutating func slot() -> Slot? {
    let index = Int(byte())
    return slots.isEmpty ? nil : slots[index % slots.count]
  }

  private mutating func send() {
    guard let slot = slot() else { return }
    let count = short()
    _ = session.send(slot, zeros(count), end: byte() & 7 == 0)
  }

  private mutating func drive() {
    let what = byte() % 8
    let farewell = Farewell(.cancelled, blame: .client)
    if what == 0 {
      guard let slot = session.open(.sample) else { return }
      slots.append(slot)
      held[slot] = 0
      return
    }
    if what == 1 { return session.goAway(.drain, "hostile") }
    guard let slot = slot() else { return }
    switch what {
    case 2:
      session.stop(slot, farewell)
      held[slot] = 0
    case 3: session.reset(slot, farewell)
    case 4: session.breakOff(slot, farewell)
    case 5: session.commit(slot)
    default: credit(slot)
    }
  }

  /// Only what came may be given back: more would be this side's own fault.
  private mutating func credit(_ slot: Slot) {
    let most = held[slot] ?? 0
    let count = min(most, byte() & 1 == 0 ? most : short())
    held[slot] = most - count
    session.credit(slot, count)
  }

  // MARK: What must always hold

  /// Everything goes out, and all of it is frames that a peer may see.
  private mutating func flush() throws(Broken) {
    var rounds = 0
    while session.nextOutput() != nil {
      rounds += 1
      try demand(rounds < 100_000, "it talks on for ever")
    }
    try hear(ByteBuffer())
  }

  private func checkSums() throws(Broken) {
    let open = session.streams.filter(\.isOpen)
    try demand(session.openStreams == open.count, "the count of open streams")
    try demand(open.count <= 4_096 * 2, "too many streams")
    try demand(session.input.storageCapacity <= 1 << 20, "input piles up")
    try demand(
      session.sendPool.used == open.reduce(0) { $0 + $1.credit.pooled }, "the sender's sum")
    try demand(session.sendPool.used <= session.sendPool.size, "more is out than was granted")
    if faults > 0 { return }
    try demand(
      session.receivePool.used == open.reduce(0) { $0 + $1.window.pooled }, "the receiver's sum")
    try demand(session.receivePool.used <= session.receivePool.size, "more came than granted")
    let handedOut = held.reduce(0) { $0 + (closed.contains($1.key) ? 0 : $1.value) }
    let reserves = UInt64(open.count) * session.limits.credit.reserve
    try demand(
      UInt64(handedOut) <= session.receivePool.size + reserves, "more is held than was granted")
  }
}
