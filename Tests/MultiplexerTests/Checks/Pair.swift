import NIOCore

@testable import Multiplexer

/// SplitMix64: the same numbers for the same seed, for ever.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A relay and an agent joined in memory: each one's output waits on a wire until it is carried.
struct Pair {
  enum End: CaseIterable {
    case relay, agent
    var other: End { self == .relay ? .agent : .relay }
  }

  var relay: Session
  var agent: Session
  /// What each end has put on the wire and the other has not got.
  var fromRelay = ByteBuffer()
  var fromAgent = ByteBuffer()

  init(_ limits: Session.Limits = .init(), streamLimit: UInt32 = 4_096, meet: Bool = true)
    throws
  {
    relay = Session(role: .relay, hello: .sample("relay", streamLimit), limits: limits)
    agent = Session(role: .agent, hello: .sample("agent", streamLimit), limits: limits)
    guard meet else { return }
    _ = try settle()
  }

  subscript(end: End) -> Session {
    get { end == .relay ? relay : agent }
    _modify { if end == .relay { yield &relay } else { yield &agent } }
  }

  subscript(wireFrom end: End) -> ByteBuffer {
    get { end == .relay ? fromRelay : fromAgent }
    _modify { if end == .relay { yield &fromRelay } else { yield &fromAgent } }
  }

  /// Puts what the end has to say on its wire.
  mutating func flush(_ end: End) {
    while let bytes = self[end].nextOutput() { self[wireFrom: end].writeImmutableBuffer(bytes) }
  }

  /// Carries up to `limit` bytes of one end's wire to the other, and answers what that meant.
  mutating func carry(from end: End, upTo limit: Int = .max) throws -> [Session.Event] {
    let count = min(limit, self[wireFrom: end].readableBytes)
    if count > 0, let bytes = self[wireFrom: end].readSlice(length: count) {
      self[end.other].receive(bytes, at: 0)
      self[wireFrom: end].discardReadBytes()
    }
    return try events(end.other)
  }

  mutating func events(_ end: End) throws -> [Session.Event] {
    var events: [Session.Event] = []
    while let event = try self[end].next() { events.append(event) }
    return events
  }

  /// Carries everything both ways until both are silent; the events of each end, in order.
  mutating func settle() throws -> (relay: [Session.Event], agent: [Session.Event]) {
    var seen: (relay: [Session.Event], agent: [Session.Event]) = ([], [])
    var rounds = 0
    repeat {
      rounds += 1
      guard rounds < 10_000 else { throw Missing(what: "an end: both talk on for ever") }
      flush(.relay)
      flush(.agent)
      seen.agent += try carry(from: .relay)
      seen.relay += try carry(from: .agent)
    } while relay.hasOutput || agent.hasOutput || fromRelay.readableBytes > 0
      || fromAgent.readableBytes > 0
    return seen
  }

  /// A stream from the relay that both know.
  mutating func opened(_ open: Open = .sample) throws -> (relay: Slot, agent: Slot) {
    guard let here = relay.open(open) else { throw Missing(what: "room for a stream") }
    for case .opened(let there, _) in try settle().agent { return (here, there) }
    throw Missing(what: "the OPEN")
  }
}

struct Missing: Error { let what: String }

extension Session {
  var hasOutput: Bool {
    var copy = self
    return copy.hasMoreOutput()
  }
}

extension Hello {
  static func sample(_ label: String, _ streamLimit: UInt32 = 4_096) -> Hello {
    Hello(
      streamLimit: streamLimit, install: WireID(high: 1, low: 2),
      instance: WireID(high: 3, low: 4), clock: 1_700_000_000_000, label: label)
  }
}

extension Open {
  static let sample = Open(
    endpoint: WireID(high: 5, low: 6), epoch: 7, kind: .http, exchange: WireID(high: 8, low: 9),
    client: "192.0.2.1", secure: true, host: "mine.example", receivedAt: 1_700_000_000_001)

  static var heldSample: Open {
    var open = Open.sample
    open.held = true
    return open
  }
}

extension ByteBuffer {
  static func zeros(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 0, count: count) }
}

extension [Session.Event] {
  /// All bytes of DATA in these events.
  var bytes: Int {
    reduce(0) { sum, event in
      if case .data(_, let bytes, _) = event { sum + bytes.readableBytes } else { sum }
    }
  }

  func bytes(of slot: Slot) -> Int {
    reduce(0) { sum, event in
      if case .data(slot, let bytes, _) = event { sum + bytes.readableBytes } else { sum }
    }
  }

  /// What arrived beside DATA.
  var signals: [Session.Event] {
    filter { if case .data = $0 { false } else { true } }
  }
}
