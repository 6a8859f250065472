/// Notices that this process stood still: the machine slept, or somebody stopped the process. What
/// waits unread in its sockets is old then, and whoever sent it has long given up (limits.md,
/// "after sleep").
///
/// Its moments are of a clock that runs on while the machine sleeps.
package struct SleepDetector: Sendable {
  /// A pause between two turns of the loop that is no pause any more.
  package static let pause = Duration.seconds(10)

  private var lastTurn: Moment

  package init(at now: Moment) { lastTurn = now }

  /// Call on each turn of the loop, before anything is read, and at least every few seconds. True:
  /// it stood still since the last call.
  package mutating func hasSlept(at now: Moment) -> Bool {
    defer { lastTurn = max(lastTurn, now) }
    return now > lastTurn + SleepDetector.pause
  }
}
