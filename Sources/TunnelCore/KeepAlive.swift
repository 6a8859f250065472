/// Decides when a link is asked whether it lives, and when it is given up: after 10 s of silence
/// one PING, and dead when no frame came for 5 s behind it (limits.md, heartbeat). Any frame counts
/// as life. The driver hands over what it has read before it asks, so that a process which was
/// stopped for a while does not blame the peer for its own silence.
package struct KeepAlive: Sendable {
  package enum Verdict: Equatable, Sendable {
    /// Nothing to do; ask again at `next`.
    case fine(next: Moment)
    /// Send a PING now, and ask again: the answer says until when to wait.
    case ping
    /// End the session. It stays dead.
    case dead
  }

  package static let silence = Duration.seconds(10)
  package static let patience = Duration.seconds(5)

  private var lastHeard: Moment
  private var asked: Moment?

  package init(at now: Moment) {
    lastHeard = now
  }

  /// A frame came, of any kind.
  package mutating func heard(at now: Moment) {
    lastHeard = max(lastHeard, now)
    asked = nil
  }

  /// What is to be done now.
  package mutating func due(at now: Moment) -> Verdict {
    if let asked {
      let deadline = asked + KeepAlive.patience
      return now < deadline ? .fine(next: deadline) : .dead
    }
    let deadline = lastHeard + KeepAlive.silence
    guard now >= deadline else { return .fine(next: deadline) }
    asked = now
    return .ping
  }
}
