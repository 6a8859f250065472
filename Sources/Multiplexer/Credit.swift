/// The numbers of flow control, in bytes (limits.md, "Agent link", credit).
///
/// Every stream has 2 KiB that nobody can take from it. What a side has in flight beyond that
/// comes out of one pool for the session, so a receiver never holds more than the pool and
/// 2 KiB a stream. Both sides do the same sums from the same frames: WINDOW says how many bytes
/// of a stream were consumed and up to which offset it may go (docs/decisions/0002).
package struct CreditRules: Sendable {
  package var reserve: UInt64 = 2_048
  package var pool: UInt64 = 8 << 20
  package var firstWindow: UInt64 = 65_536
  package var widestWindow: UInt64 = 4 << 20

  package init() {}
}

/// How much of a session's pool is in use, in one direction.
struct Pool {
  let size: UInt64
  private(set) var used: UInt64 = 0

  init(_ size: UInt64) { self.size = size }

  var free: UInt64 { used < size ? size &- used : 0 }  // bounded: `used < size`

  mutating func take(_ count: UInt64) { used &+= count }
  mutating func give(_ count: UInt64) { used = count < used ? used &- count : 0 }
}

/// What this side may still send on one stream.
struct SendCredit {
  private let reserve: UInt64
  private(set) var sent: UInt64 = 0
  private(set) var consumed: UInt64 = 0
  private(set) var limit: UInt64

  init(_ rules: CreditRules) {
    reserve = rules.reserve
    limit = rules.firstWindow
  }

  var outstanding: UInt64 { sent &- consumed }  // bounded: `report` keeps it so
  /// How much of the pool this stream occupies.
  // bounded: it is compared first
  var pooled: UInt64 { outstanding > reserve ? outstanding &- reserve : 0 }

  func allowance(_ pool: Pool) -> Int {
    // bounded: it is compared first
    let own = outstanding < reserve ? reserve &- outstanding : 0
    // bounded: `sent` never passes `limit`; a reserve and a pool are settings
    return Int(clamping: min(limit &- sent, own &+ pool.free))
  }

  mutating func spend(_ count: Int, _ pool: inout Pool) {
    let before = pooled
    sent &+= UInt64(count)  // bounded: by `limit`, which is an Int64 at most
    pool.take(pooled &- before)  // bounded: sending takes up more, never less
  }

  /// Takes a WINDOW frame in. False: it takes credit back or reports bytes never sent.
  mutating func report(consumed newConsumed: UInt64, limit newLimit: UInt64, _ pool: inout Pool)
    -> Bool
  {
    guard newConsumed >= consumed, newConsumed <= sent, newLimit >= limit,
      newLimit <= UInt64(Int64.max)
    else { return false }
    let before = pooled
    consumed = newConsumed
    limit = newLimit
    pool.give(before &- pooled)  // bounded: what was consumed takes up less, never more
    return true
  }

  /// The stream is over: nothing of it is in flight any more.
  mutating func release(_ pool: inout Pool) {
    pool.give(pooled)
    consumed = sent
  }
}

/// What the peer may still send on one stream, and what this side owes it a report of.
struct ReceiveCredit {
  private let rules: CreditRules
  /// What the headers of DATA frames announced; this counts against the credit.
  private(set) var received: UInt64 = 0
  /// What came of it and was handed out.
  private var arrived: UInt64 = 0
  private(set) var consumed: UInt64 = 0
  private(set) var reported: UInt64 = 0
  private(set) var limit: UInt64
  /// Bytes reported since the window last grew.
  private var sinceGrowth: UInt64 = 0

  init(_ rules: CreditRules) {
    self.rules = rules
    limit = rules.firstWindow
  }

  /// Bytes that came and have not left the other socket.
  private var held: UInt64 { arrived &- consumed }  // bounded: `consume` demands it
  private var window: UInt64 { limit &- reported }  // bounded: no report passes `limit`
  /// What the peer's sum must count at least: it knows of no report that was not sent.
  var pooled: UInt64 {
    let outstanding = received &- reported  // bounded: only what came is reported
    // bounded: it is compared first
    return outstanding > rules.reserve ? outstanding &- rules.reserve : 0
  }

  /// False: the peer sent more than it was granted, by stream or by pool.
  mutating func receive(_ count: Int, _ pool: inout Pool) -> Bool {
    let before = pooled
    received &+= UInt64(count)  // bounded: a frame above `limit`, which ends the session
    guard received <= limit else { return false }
    pool.take(pooled &- before)  // bounded: what comes takes up more, never less
    return pool.used <= pool.size
  }

  // bounded: by `received`
  mutating func arrive(_ count: Int) { arrived &+= UInt64(count) }

  /// `count` bytes left the other socket.
  mutating func consume(_ count: Int) {
    precondition(UInt64(count) <= held, "credit for bytes that never came")
    consumed &+= UInt64(count)  // bounded: by `arrived`, as the line above demands
  }

  /// A report is due when half a window was consumed, and when nothing is held and half of the
  /// reserve is unreported: the peer may be out of pool and wait for just that. After the end it
  /// only serves the peer's pool: none is due once the peer counts nothing there.
  func reportIsDue(ended: Bool) -> Bool {
    let unreported = consumed &- reported  // bounded: only what was consumed is reported
    if ended { return pooled > 0 && (held <= rules.reserve || unreported >= window / 2) }
    return unreported >= window / 2 || (held == 0 && unreported >= rules.reserve / 2)
  }

  /// The numbers of the next WINDOW frame. A stream whose reader keeps up (it holds nothing, and
  /// took half a window since the last growth) gets twice the window, out of half of what is free
  /// at the most. Reports of a fast reader are small and many, so their sum counts.
  mutating func report(_ pool: inout Pool, ended: Bool) -> (consumed: UInt64, limit: UInt64) {
    let before = pooled
    var wide = window
    sinceGrowth &+= consumed &- reported  // bounded: both by `consumed`
    let keepsUp = held == 0 && sinceGrowth >= window / 2
    reported = consumed
    pool.give(before &- pooled)  // bounded: a report takes up less, never more
    if keepsUp, !ended {
      sinceGrowth = 0
      // bounded: a window is a setting's size, and a pool too
      wide = max(wide, min(wide &* 2, rules.widestWindow, wide &+ pool.free / 2))
    }
    limit = max(limit, reported &+ wide)  // bounded: both grow by bytes that came
    return (reported, limit)
  }

  /// The stream is over: what was held is thrown away.
  mutating func release(_ pool: inout Pool) {
    pool.give(pooled)
    arrived = received
    consumed = received
    reported = received
  }
}
