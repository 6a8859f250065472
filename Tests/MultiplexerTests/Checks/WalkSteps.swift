import NIOCore

@testable import Multiplexer

/// What the walk does, one random thing at a time.
extension Walk {
  mutating func run(steps: Int) throws {
    while step < steps { try takeStep() }
    try goQuiet()
  }

  /// For as long as there are bytes to choose by.
  mutating func runOut() throws {
    while !random.isSpent { try takeStep() }
  }

  private mutating func takeStep() throws {
    step += 1
    try act()
    try checkSums()
  }

  private mutating func act() throws {
    let end: Pair.End = Bool.random(using: &random) ? .relay : .agent
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<10: open(at: end)
    case 10..<32: send(at: end)
    case 32..<36: sendEnd(at: end)
    case 36..<52: credit(at: end)
    case 52..<54: stop(at: end)
    case 54: reset(at: end)
    case 55: breakOff(at: end)
    case 56..<58: commit(at: end)
    case 58..<60: ping(at: end)
    case 60..<62: notice(at: end)
    case 62..<80: pair.flush(end)
    case 99 where step > leavesAfter:
      leaving.insert(end)
      pair[end].goAway(.drain, "walk")
    default:
      let chop = [1, 13, 100, 5_000, 200_000].randomElement(using: &random) ?? 1
      let limit = Int.random(in: 1...chop, using: &random)
      try see(try pair.carry(from: end, upTo: limit), at: end.other)
      // What `nextOutput` queued (resumed, closed) comes up here.
      try see(try pair.events(end), at: end)
    }
  }

  private mutating func open(at end: Pair.End) {
    var open = Open.sample
    open.exchange = WireID(high: 0, low: lastSerial + 1)
    open.held = Bool.random(using: &random)
    guard running.count < 12, let slot = pair[end].open(open) else { return }
    lastSerial += 1
    let halves = [Pair.End.relay, .agent].map {
      ($0, Half(origin: Int.random(in: 0..<Self.period, using: &random)))
    }
    journeys[lastSerial] = Journey(
      open: open, opener: end, slots: [end: slot],
      halves: Dictionary(uniqueKeysWithValues: halves))
    serials[end]?[slot] = lastSerial
    running.append(lastSerial)
  }

  /// A running stream that `end` knows.
  private mutating func pick(at end: Pair.End) -> (serial: UInt64, slot: Slot)? {
    guard let serial = running.randomElement(using: &random),
      let slot = journeys[serial]?.slots[end]
    else { return nil }
    return (serial, slot)
  }

  private mutating func send(at end: Pair.End) {
    guard let (serial, slot) = pick(at: end), var half = journeys[serial]?.halves[end],
      !half.isOver
    else { return }
    // A driver that does not wait is allowed; most do.
    if half.waits, Int.random(in: 0..<20, using: &random) > 0 { return }
    let most = [1, 200, 3_000, 30_000, 65_536].randomElement(using: &random) ?? 1
    let count = Int.random(in: 0...most, using: &random)
    let ends = Int.random(in: 0..<12, using: &random) == 0
    let goesOn = pair[end].send(slot, slice(half.origin, half.sent, count), end: ends)
    half.sent += count
    half.ended = ends
    if !goesOn { half.waits = true }
    journeys[serial]?.halves[end] = half
  }

  private mutating func sendEnd(at end: Pair.End) {
    guard let (serial, _) = pick(at: end) else { return }
    finish(serial, at: end)
  }

  private mutating func finish(_ serial: UInt64, at end: Pair.End) {
    guard let slot = journeys[serial]?.slots[end], let half = journeys[serial]?.halves[end],
      !half.isOver
    else { return }
    _ = pair[end].send(slot, ByteBuffer(), end: true)
    journeys[serial]?.halves[end]?.ended = true
  }

  private mutating func credit(at end: Pair.End) {
    guard let (serial, slot) = pick(at: end), let half = journeys[serial]?.halves[end.other]
    else { return }
    let all = Bool.random(using: &random)
    let count = all ? half.uncredited : Int.random(in: 0...half.uncredited, using: &random)
    pair[end].credit(slot, count)
    journeys[serial]?.halves[end.other]?.uncredited -= count
  }

  private mutating func stop(at end: Pair.End) {
    guard let (serial, slot) = pick(at: end), let half = journeys[serial]?.halves[end.other],
      !half.sawEnd, !half.sawReset, !half.stopped
    else { return }
    pair[end].stop(slot, Farewell(.cancelled, blame: .client))
    journeys[serial]?.halves[end.other]?.stopped = true
    journeys[serial]?.halves[end.other]?.uncredited = 0
  }

  private mutating func reset(at end: Pair.End) {
    guard let (serial, slot) = pick(at: end), journeys[serial]?.halves[end]?.wasReset == false
    else { return }
    pair[end].reset(slot, Farewell(.upstreamInvalid, blame: .upstream, "broke off"))
    journeys[serial]?.halves[end]?.wasReset = true
    journeys[serial]?.halves[end]?.waits = false
  }

  private mutating func breakOff(at end: Pair.End) {
    guard let (serial, slot) = pick(at: end), journeys[serial]?.halves[end]?.isOver == false
    else { return }
    pair[end].breakOff(slot, Farewell(.upstreamInvalid, blame: .upstream, "broke off"))
    journeys[serial]?.halves[end]?.breaksOff = true
  }

  private mutating func commit(at end: Pair.End) {
    guard let (serial, slot) = pick(at: end), journeys[serial]?.open.held == true else { return }
    pair[end].commit(slot)
    journeys[serial]?.halves[end]?.saidCommit = true
  }

  private mutating func ping(at end: Pair.End) {
    let payload = random.next()
    pair[end].ping(payload)
    pings[end]?.append(payload)
  }

  private mutating func notice(at end: Pair.End) {
    let notice = Control.notice(code: "walk", text: "step \(step)")
    pair[end].send(notice)
    notices[end]?.append(notice)
  }

  // MARK: What must always and at last hold

  /// The pool counts what its streams count, and never more than there is.
  private func checkSums() throws {
    for end in Pair.End.allCases {
      let session = pair[end]
      let open = session.streams.filter(\.isOpen)
      try demand(
        session.sendPool.used == open.reduce(0) { $0 + $1.credit.pooled }, "the sender's sum")
      try demand(
        session.receivePool.used == open.reduce(0) { $0 + $1.window.pooled },
        "the receiver's sum")
      try demand(session.sendPool.used <= session.sendPool.size, "more than the pool is out")
      try demand(session.openStreams == open.count, "the count of open streams")
      // A stream that is over keeps what its driver held of it, a reserve at most, until the driver
      // has heard of the end.
      let known = UInt64(serials[end]?.count ?? 0)
      let granted = session.receivePool.size + known * session.limits.credit.reserve
      try demand(held(at: end) <= granted, "more is held than was granted")
    }
  }

  /// Bytes that were handed out at this end and not given back.
  private func held(at end: Pair.End) -> UInt64 {
    (serials[end] ?? [:]).values.reduce(0) {
      $0 + UInt64(journeys[$1]?.halves[end.other]?.uncredited ?? 0)
    }
  }

  private mutating func settle() throws {
    let seen = try pair.settle()
    try see(seen.agent, at: .agent)
    try see(seen.relay, at: .relay)
  }

  /// False: nobody held anything.
  private mutating func creditAll() -> Bool {
    var credited = false
    for serial in running {
      for end in Pair.End.allCases {
        guard let slot = journeys[serial]?.slots[end],
          let count = journeys[serial]?.halves[end.other]?.uncredited, count > 0
        else { continue }
        pair[end].credit(slot, count)
        journeys[serial]?.halves[end.other]?.uncredited = 0
        credited = true
      }
    }
    return credited
  }

  /// Everything is carried and read until nobody has anything more to read.
  private mutating func readOn() throws {
    var rounds = 0
    repeat {
      rounds += 1
      try demand(rounds < 10_000, "it never comes to rest")
      try settle()
    } while creditAll()
    try settle()
  }

  /// Everybody reads on: all that waits must go. Then everybody ends: nothing must be left.
  mutating func goQuiet() throws {
    try readOn()
    for serial in running {
      for (end, half) in journeys[serial]?.halves ?? [:] where !half.isOver {
        try demand(!half.waits, "stream \(serial) of the \(end) still waits to go on")
        try demand(half.received == half.sent || half.stopped, "stream \(serial) starves")
      }
    }
    for serial in running { for end in Pair.End.allCases { finish(serial, at: end) } }
    try readOn()
    try demand(running.isEmpty, "streams \(running) never end")
    try demand(pings.values.allSatisfy(\.isEmpty), "a PING without its PONG")
    try demand(notices.values.allSatisfy(\.isEmpty), "a CONTROL that did not arrive")
    for journey in journeys.values {
      for half in journey.halves.values where half.sawEnd {
        try demand(half.received == half.sent, "bytes were lost")
      }
    }
    for end in Pair.End.allCases {
      let session = pair[end]
      try demand(session.openStreams == 0 && session.slotOfID.isEmpty, "a stream is left")
      try demand(session.freeSlots.count == session.streams.count, "a slot is lost")
      try demand(session.sendPool.used == 0 && session.receivePool.used == 0, "credit is lost")
      try demand(session.queued.isEmpty, "an event was not told")
    }
  }
}
