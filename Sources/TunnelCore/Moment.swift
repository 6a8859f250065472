/// A reading of one process's monotonic clock, in nanoseconds since a start that only this process
/// knows. The rules take it as a parameter and so run in virtual time. Arithmetic saturates.
package struct Moment: Comparable, Hashable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  package static func + (moment: Moment, span: Duration) -> Moment {
    let distance = nanoseconds(of: span)
    if distance >= 0 {
      let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(UInt64(distance))
      return Moment(nanoseconds: overflow ? .max : sum)
    }
    let (rest, overflow) = moment.nanoseconds.subtractingReportingOverflow(distance.magnitude)
    return Moment(nanoseconds: overflow ? 0 : rest)
  }

  package static func - (later: Moment, earlier: Moment) -> Duration {
    let distance = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
    guard distance.overflow else { return span(distance.partialValue) }
    return .zero - span(earlier.nanoseconds - later.nanoseconds)
  }

  /// Whole microseconds since an earlier moment, 0 if that is the later one. `Duration` counts in
  /// 128 bits, which shows in every exchange.
  package func microseconds(since earlier: Moment) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? (nanoseconds &- earlier.nanoseconds) / 1_000 : 0
  }

  package static func < (left: Moment, right: Moment) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  private static func span(_ nanoseconds: UInt64) -> Duration {
    .nanoseconds(Int64(clamping: nanoseconds))
  }

  private static func nanoseconds(of span: Duration) -> Int64 {
    let (seconds, attoseconds) = span.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carry ? (seconds < 0 ? .min : .max) : sum
  }
}
