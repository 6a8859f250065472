/// Decides whether a connection takes what is written to it (limits.md, "a write makes no
/// progress"): it is stalled once something has waited for `limit` and not a byte of it left.
///
/// The driver looks now and then. It knows how much it has written in all and how much of that
/// waits now. What waits may be more than was written, for TLS adds to it: that only hides progress
/// which is smaller than what TLS added meanwhile.
package struct WriteProgress: Sendable {
  package enum Verdict: Equatable, Sendable {
    /// Nothing waits: no need to look before the next write.
    case idle
    /// Look again.
    case waiting
    /// End the connection.
    case stalled
  }

  private let limit: Duration
  private var written: UInt64 = 0
  private var waiting: UInt64 = 0
  /// When something was last seen to leave, or to begin waiting.
  private var movedAt: Moment?

  package init(limit: Duration) { self.limit = limit }

  /// `written` bytes in all so far, of which `waiting` have not left.
  package mutating func look(written: UInt64, waiting: UInt64, at now: Moment) -> Verdict {
    let mostWaiting = self.waiting &+ (written &- self.written)
    let hasMoved = waiting < mostWaiting
    self.written = written
    self.waiting = waiting
    guard waiting > 0 else {
      movedAt = nil
      return .idle
    }
    guard let movedAt, !hasMoved else {
      self.movedAt = now
      return .waiting
    }
    return now - movedAt >= limit ? .stalled : .waiting
  }
}
