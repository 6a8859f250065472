/// How often each place gave a wrong authtoken lately, and how long its next "no" is held back
/// (limits.md, "Agent link"): from the eleventh in a minute on 1 s, growing to 4 s. A right
/// authtoken never asks here.
///
/// Remembers at most twice `most` places, in two halves of which the older is forgotten whole: with
/// more places than that, whoever came first begins anew.
package struct FailedLogins: Sendable {
  package static let minute = Duration.seconds(60)
  package static let longest = Duration.seconds(4)
  static let most = 4_096

  private struct Count: Sendable {
    var since: Moment
    var failed: Int
  }

  package let perMinute: Int
  private var newer: [UInt128: Count] = [:]
  private var older: [UInt128: Count] = [:]
  private var turnedAt = Moment(nanoseconds: 0)

  package init(perMinute: Int) { self.perMinute = perMinute }

  /// One more that failed: how long to wait before saying so.
  package mutating func failed(_ place: UInt128, at now: Moment) -> Duration {
    if newer.count >= Self.most || now - turnedAt >= Self.minute {
      older = newer
      newer = [:]
      turnedAt = now
    }
    var count = newer[place] ?? older[place] ?? Count(since: now, failed: 0)
    if now - count.since >= Self.minute { count = Count(since: now, failed: 0) }
    count.failed += 1
    newer[place] = count
    return min(.seconds(max(0, count.failed - perMinute)), Self.longest)
  }

  var places: Int { newer.count + older.count }
}
