import NIOCore

@testable import Multiplexer

/// A walk of two honest machines, and a model of what each may see. Its choices come from a seed or
/// from a fuzzer's bytes; the same walk for the same ones. Every broken promise is thrown.
struct Walk {
  struct Broken: Error {
    let seed: UInt64
    let step: Int
    let what: String
  }

  /// One direction of a stream: what its sender did and what its receiver saw.
  struct Half {
    var sent = 0
    var ended = false
    /// By the sender, or for it when a STOP came.
    var wasReset = false
    /// It will be reset once what waits has gone.
    var breaksOff = false
    var waits = false
    var received = 0
    var sawEnd = false
    var sawReset = false
    var stopped = false
    var uncredited = 0
    var saidCommit = false
    var sawCommit = false
    var senderClosed = false
    /// Where the pattern begins.
    let origin: Int
    /// Its driver sends nothing more.
    var isOver: Bool { ended || wasReset || breaksOff }
  }

  struct Journey {
    let open: Open
    let opener: Pair.End
    var slots: [Pair.End: Slot] = [:]
    var halves: [Pair.End: Half]
    var isOver: Bool { halves.values.allSatisfy(\.senderClosed) }
  }

  static let period = 65_521
  /// All streams send parts of this: the same random bytes, over and over.
  static let pattern: ByteBuffer = {
    var random = Seeded(1)
    let once = (0..<period).map { _ in UInt8.random(in: 0...255, using: &random) }
    return ByteBuffer(bytes: once + once + once)
  }()

  let seed: UInt64
  var step = 0
  var random: Choices
  /// The step from which on an end may say GOAWAY.
  let leavesAfter: Int
  var pair: Pair
  var journeys: [UInt64: Journey] = [:]
  var running: [UInt64] = []
  var serials: [Pair.End: [Slot: UInt64]] = [.relay: [:], .agent: [:]]
  var pings: [Pair.End: [UInt64]] = [.relay: [], .agent: []]
  var notices: [Pair.End: [Control]] = [.relay: [], .agent: []]
  var leaving: Set<Pair.End> = []
  var lastSerial: UInt64 = 0

  init(seed: UInt64) throws {
    try self.init(Choices(seed: seed), seed, leavesAfter: seed % 3 == 0 ? 700 : .max)
  }

  init(bytes: ArraySlice<UInt8>) throws {
    try self.init(Choices(bytes: bytes), 0, leavesAfter: 40)
  }

  private init(_ choices: Choices, _ seed: UInt64, leavesAfter: Int) throws {
    self.seed = seed
    self.leavesAfter = leavesAfter
    random = choices
    var limits = Session.Limits()
    // Small numbers meet their edges more often.
    limits.credit.pool = [20_000, 60_000, 400_000].randomElement(using: &random) ?? 20_000
    limits.credit.reserve = 600
    limits.credit.firstWindow = [2_000, 16_000].randomElement(using: &random) ?? 2_000
    limits.credit.widestWindow = 64_000
    pair = try Pair(limits, streamLimit: 12)
  }

  func demand(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    if !holds { throw Broken(seed: seed, step: step, what: what()) }
  }

  func slice(_ origin: Int, _ offset: Int, _ count: Int) -> ByteBuffer {
    Self.pattern.getSlice(at: (origin + offset) % Self.period, length: count) ?? ByteBuffer()
  }

  // MARK: What the machines say

  mutating func see(_ events: [Session.Event], at end: Pair.End) throws {
    for event in events { try see(event, at: end) }
  }

  private mutating func see(_ event: Session.Event, at end: Pair.End) throws {
    switch event {
    case .hello: try demand(false, "HELLO again")
    case .opened(let slot, let open):
      let serial = open.exchange.low
      try demand(journeys[serial]?.open == open, "an OPEN that nobody sent")
      try demand(!leaving.contains(end), "a stream was taken after GOAWAY")
      journeys[serial]?.slots[end] = slot
      serials[end]?[slot] = serial
    case .data(let slot, let bytes, let isLast): try seeData(slot, bytes, isLast, at: end)
    case .commit(let slot):
      try change(slot, sentBy: end.other, at: end) { half, demand in
        try demand(half.saidCommit && !half.sawCommit, "COMMIT out of nothing")
        half.sawCommit = true
      }
    case .resumed(let slot):
      try change(slot, sentBy: end, at: end) { half, demand in
        try demand(half.waits && !half.wasReset, "resumed, though nothing waited")
        half.waits = false
      }
    case .stopped(let slot, let farewell):
      let unseen = isUnseen(slot, at: end)
      try change(slot, sentBy: end, at: end) { half, demand in
        try demand(half.stopped || unseen, "STOP that nobody said: \(farewell)")
        try demand(!half.wasReset, "STOP for a half that was reset")
        half.wasReset = true
        half.waits = false
      }
    case .reset(let slot, let farewell):
      let unseen = isUnseen(slot, at: end)
      try change(slot, sentBy: end.other, at: end) { half, demand in
        let isTold = half.wasReset || half.breaksOff || unseen
        try demand(isTold, "RESET that nobody said: \(farewell)")
        // A stream that was refused unseen loses what was sent to it.
        let cut = half.breaksOff && !half.wasReset && half.received < half.sent
        try demand(!cut || unseen, "what waited was dropped by a break-off")
        try demand(!half.sawEnd && !half.sawReset && !half.stopped, "RESET after the end")
        half.sawReset = true
        // What is left of half a message is thrown away.
        half.uncredited = 0
      }
    case .closed(let slot): try seeClosed(slot, at: end)
    case .control(let control):
      try demand(notices[end.other]?.first == control, "a CONTROL that nobody sent")
      notices[end.other]?.removeFirst()
    case .pong(let payload):
      try demand(pings[end]?.first == payload, "a PONG out of order")
      pings[end]?.removeFirst()
    case .goAway: try demand(leaving.contains(end.other), "a GOAWAY that nobody said")
    }
  }

  private mutating func seeData(_ slot: Slot, _ bytes: ByteBuffer, _ isLast: Bool, at end: Pair.End)
    throws
  {
    let (pattern, period) = (Self.pattern, Self.period)
    try change(slot, sentBy: end.other, at: end) { half, demand in
      try demand(!half.sawEnd && !half.sawReset && !half.stopped, "DATA after the end")
      let at = (half.origin + half.received) % period
      try demand(
        bytes == pattern.getSlice(at: at, length: bytes.readableBytes),
        "other bytes than were sent, at \(half.received)")
      half.received += bytes.readableBytes
      half.uncredited += bytes.readableBytes
      try demand(half.received <= half.sent, "more than was sent")
      if isLast {
        try demand(half.ended && half.received == half.sent, "END before the end")
        half.sawEnd = true
      }
    }
  }

  private mutating func seeClosed(_ slot: Slot, at end: Pair.End) throws {
    try change(slot, sentBy: end.other, at: end) { half, demand in
      let isOver = half.sawEnd || half.sawReset || half.stopped
      try demand(isOver, "closed before the peer's half was over")
    }
    try change(slot, sentBy: end, at: end) { half, demand in
      try demand(!half.senderClosed, "closed twice")
      try demand(half.isOver, "closed before its own half was over")
      half.senderClosed = true
    }
    guard let serial = serials[end]?.removeValue(forKey: slot) else { return }
    if isRefused(serial, by: end.other) { journeys[serial]?.halves[end.other]?.senderClosed = true }
    if journeys[serial]?.isOver == true { running.removeAll { $0 == serial } }
  }

  /// Whether the stream met a GOAWAY on its way and `end` refused it without a word to its driver.
  private func isRefused(_ serial: UInt64, by end: Pair.End) -> Bool {
    leaving.contains(end) && journeys[serial]?.slots[end] == nil
  }

  private func isUnseen(_ slot: Slot, at end: Pair.End) -> Bool {
    serials[end]?[slot].map { isRefused($0, by: end.other) } ?? false
  }

  private mutating func change(
    _ slot: Slot, sentBy sender: Pair.End, at end: Pair.End,
    _ body: (inout Half, (Bool, String) throws -> Void) throws -> Void
  ) throws {
    guard let serial = serials[end]?[slot], var half = journeys[serial]?.halves[sender] else {
      throw Broken(seed: seed, step: step, what: "an event of a stream that is over")
    }
    let (seed, step) = (seed, step)
    try body(&half) { holds, what in
      if !holds { throw Broken(seed: seed, step: step, what: "stream \(serial): \(what)") }
    }
    journeys[serial]?.halves[sender] = half
  }
}
