import Testing

@testable import TunnelCore

@Suite struct MomentTests {
  @Test("a span added to a moment is the difference again, also backwards")
  func arithmetic() {
    let start = Moment(nanoseconds: 5_000_000_000)
    #expect((start + .milliseconds(1_500)).nanoseconds == 6_500_000_000)
    #expect((start + .milliseconds(-1_500)).nanoseconds == 3_500_000_000)
    #expect((start + .seconds(3)) - start == .seconds(3))
    #expect(start - (start + .seconds(3)) == .seconds(-3))
  }

  @Test("a moment saturates at both ends instead of ending the process")
  func saturation() {
    let first = Moment(nanoseconds: 0)
    let last = Moment(nanoseconds: .max)
    #expect(first + .seconds(-1) == first)
    #expect(last + .seconds(1) == last)
    #expect(first + .seconds(Int64.max) > first)
    #expect(last - first == .nanoseconds(Int64.max))
    #expect(first - last == .nanoseconds(-Int64.max))
  }

  @Test("the epoch after the last one is the last one")
  func epochs() {
    #expect(Epoch.never.next() == Epoch(1))
    #expect(Epoch(1) < Epoch(1).next())
    #expect(Epoch(.max).next() == Epoch(.max))
  }
}
