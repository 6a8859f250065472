/// How many requests a client may make in a time: `10/s`, `100/m`, `1000/h`. So many at once, then
/// one whenever its share of the time has passed (a bucket, as GCRA of ATM Forum TM 4.0 counts it).
package struct RateLimit: Sendable, Equatable, CustomStringConvertible {
  package static let most = 1_000_000

  package enum Unit: String, Sendable {
    case second = "s"
    case minute = "m"
    case hour = "h"

    var nanoseconds: UInt64 {
      switch self {
      case .second: 1_000_000_000
      case .minute: 60_000_000_000
      case .hour: 3_600_000_000_000
      }
    }
  }

  package let count: Int
  package let unit: Unit

  package init(_ text: String) throws(PolicyFault) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let unit = Unit(rawValue: String(parts[1])),
      parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[0]),
      (1...RateLimit.most).contains(count)
    else {
      throw PolicyFault(
        "`\(VisibleText.of(text))` is no rate",
        fix: "a number from 1 to \(RateLimit.most) and a time: 10/s, 100/m or 1000/h")
    }
    self.count = count
    self.unit = unit
  }

  package var description: String { "\(count)/\(unit.rawValue)" }
}

/// What each client has used of one endpoint's rate limit. A client is an IPv4 address or an IPv6
/// /64.
///
/// Remembers at most twice `most` clients, in two halves of which the older is forgotten whole:
/// with more of them than that within the limit's time, whoever came first begins anew.
package struct RateMeter: Sendable {
  static let most = 2_048

  private let limit: RateLimit
  /// When a client's bucket is full again, in nanoseconds of the monotonic clock.
  private var newer: [UInt128: UInt64] = [:]
  private var older: [UInt128: UInt64] = [:]
  private var turnedAt: UInt64 = 0

  package init(_ limit: RateLimit) { self.limit = limit }

  /// Counts one request; nil if it may pass. One that is refused uses nothing up.
  package mutating func refusal(of place: UInt128, at now: Moment) -> Refusal? {
    let span = limit.unit.nanoseconds
    let share = span / UInt64(limit.count)
    let time = now.nanoseconds
    // What was not touched for the limit's time is full again, and may be forgotten.
    if newer.count >= Self.most || time >= turnedAt &+ span {
      older = newer
      newer = [:]
      turnedAt = time
    }
    let fullAt = max(time, newer[place] ?? older[place] ?? 0) + share
    guard fullAt > time + span else {
      newer[place] = fullAt
      return nil
    }
    let seconds = (fullAt - time - span + 999_999_999) / 1_000_000_000
    var refusal = Refusal(
      .policyRateLimit, "This tunnel takes \(limit.words) from one client.")
    refusal.retryAfter = Int(max(1, seconds))
    return refusal
  }

  var places: Int { newer.count + older.count }
}

extension RateLimit {
  fileprivate var words: String {
    let time =
      switch unit {
      case .second: "second"
      case .minute: "minute"
      case .hour: "hour"
      }
    return count == 1 ? "1 request a \(time)" : "\(count) requests a \(time)"
  }
}
