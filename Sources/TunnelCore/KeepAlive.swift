/// Decides when a link is asked whether it lives, and when it is given up (limits.md, heartbeat).
/// After 10 s of silence it is asked by a PING; so it is with a new stream if nothing came for 1 s,
/// and when the caller has a reason of its own. No frame for 2 s behind the oldest PING that is
/// unanswered makes the link suspect, for 5 s dead. Any frame counts as life. The driver hands over
/// what it has read before it asks, so that a process which was stopped for a while does not blame
/// the peer for its own silence.
package struct KeepAlive: Sendable {
  package enum Verdict: Equatable, Sendable {
    /// Nothing to do; ask again at `next`.
    case fine(next: Moment)
    /// Send a PING now, and ask again: the answer says until when to wait.
    case ping
    /// It does not answer in time; ask again at `next`. Said once, until a frame is heard.
    case suspect(next: Moment)
    /// End the session. It stays dead.
    case dead
  }

  package static let silence = Duration.seconds(10)
  /// So fresh a sign of life needs no question with a new stream.
  package static let freshness = Duration.seconds(1)
  package static let suspicion = Duration.seconds(2)
  package static let patience = Duration.seconds(5)

  private var lastHeard: Moment
  /// When the oldest PING that is unanswered was sent.
  private var asked: Moment?
  /// Its answer is late. What it was sent may have been seen, or not.
  package private(set) var isSuspect = false

  package init(at now: Moment) {
    lastHeard = now
  }

  /// It was asked, and no frame has come since.
  package var isAsked: Bool { asked != nil }

  /// A frame came, of any kind.
  package mutating func heard(at now: Moment) {
    lastHeard = max(lastHeard, now)
    asked = nil
    isSuspect = false
  }

  /// A stream is opened, about which somebody will soon ask whether it arrived. True: send a PING
  /// along, and ask what is due.
  package mutating func opens(at now: Moment) -> Bool {
    now < lastHeard + KeepAlive.freshness ? false : probe(at: now)
  }

  /// There is a reason to doubt. True: send a PING now, and ask what is due.
  package mutating func probe(at now: Moment) -> Bool {
    guard asked == nil else { return false }
    asked = now
    return true
  }

  /// What is to be done now.
  package mutating func due(at now: Moment) -> Verdict {
    guard let asked else {
      let deadline = lastHeard + KeepAlive.silence
      guard now >= deadline else { return .fine(next: deadline) }
      self.asked = now
      return .ping
    }
    let end = asked + KeepAlive.patience
    guard now < end else { return .dead }
    let doubt = asked + KeepAlive.suspicion
    guard now >= doubt, !isSuspect else { return .fine(next: isSuspect ? end : doubt) }
    isSuspect = true
    return .suspect(next: end)
  }
}
