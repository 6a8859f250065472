/// When the agent dials again (limits.md, reconnect). The first delay depends on why the session
/// ended: at once where only this machine is concerned, spread over 2.5 s where every agent of the
/// relay lost its session at the same moment. Then 1 to 3 s between tries for ten minutes, then
/// ranges that double up to 30 s, for ever.
package struct ReconnectSchedule: Sendable {
  /// Why there is no session now.
  package enum Cause: String, Sendable, CaseIterable {
    /// The machine slept.
    case wake
    /// An address or route of this machine changed.
    case networkChange = "network-change"
    /// The relay was silent for too long.
    case heartbeat
    /// The relay closed or reset the link, or said GOAWAY.
    case closed
    /// The relay said GOAWAY because another process of it has taken over, which waits already.
    case handover
    /// The relay answered, and said no for now.
    case refused
    /// The relay could not be reached.
    case unreachable

    /// Such a cause is news: the tries begin again with one at once.
    fileprivate var isOurs: Bool {
      switch self {
      case .wake, .networkChange, .heartbeat: true
      case .closed, .handover, .refused, .unreachable: false
      }
    }
  }

  package static let firstSpread = Duration.milliseconds(2_500)
  package static let handoverSpread = Duration.milliseconds(500)
  package static let steady = Duration.seconds(1)...Duration.seconds(3)
  package static let steadySpan = Duration.seconds(600)
  package static let longest = Duration.seconds(30)

  /// When the present run of tries began; nil while a session is ready.
  private var began: Moment?
  /// The upper end of the last range, once ten minutes are over.
  private var upper = ReconnectSchedule.steady.upperBound

  package init() {}

  /// The delay before the next dial, after a session or a try ended for `cause`.
  package mutating func delay(
    after cause: Cause, at now: Moment, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    if cause.isOurs {
      began = now
      upper = ReconnectSchedule.steady.upperBound
      return .zero
    }
    guard let began else {
      self.began = now
      let first =
        switch cause {
        case .closed: .zero...ReconnectSchedule.firstSpread
        case .handover: .zero...ReconnectSchedule.handoverSpread
        default: ReconnectSchedule.steady
        }
      return random(in: first, using: &generator)
    }
    if now - began < ReconnectSchedule.steadySpan {
      return random(in: ReconnectSchedule.steady, using: &generator)
    }
    upper = min(upper * 2, ReconnectSchedule.longest)
    return random(in: upper / 3...upper, using: &generator)
  }

  /// A session is ready: the next loss starts over.
  package mutating func ready() {
    began = nil
    upper = ReconnectSchedule.steady.upperBound
  }

  private func random(
    in range: ClosedRange<Duration>, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    let milliseconds = { (span: Duration) in Int64(span / .milliseconds(1)) }
    let bounds = milliseconds(range.lowerBound)...milliseconds(range.upperBound)
    return .milliseconds(Int64.random(in: bounds, using: &generator))
  }
}
