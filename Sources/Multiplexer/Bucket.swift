/// How often something may happen: `burst` times at once, and `perSecond` in the long run. A token
/// bucket, kept as the moment when it is full again (the virtual scheduling of ITU-T I.371).
///
/// Time is a parameter, in nanoseconds of any clock that never goes back.
package struct Bucket: Sendable {
  /// Nanoseconds that one of them takes, and all of a burst.
  private let step: UInt64
  private let depth: UInt64
  private var fullAt: UInt64 = 0

  /// Both at least 1; a rate is at most a million a second.
  package init(perSecond: UInt64, burst: UInt64) {
    let step = 1_000_000_000 / max(1, min(perSecond, 1_000_000))
    self.step = step
    depth = step &* max(1, min(burst, 1 << 32))  // bounded: 10^9 times 2^32
  }

  /// One more, now. False: it is too many, and was not counted.
  package mutating func take(at now: UInt64) -> Bool {
    let start = max(fullAt, now)
    // bounded: `start` is never below `now`, and never a burst above an earlier one
    guard start &- now &+ step <= depth else { return false }
    fullAt = start &+ step
    return true
  }
}
