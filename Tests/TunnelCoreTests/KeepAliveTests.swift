import Testing

@testable import TunnelCore

@Suite struct KeepAliveTests {
  let start = Moment(nanoseconds: 0)

  @Test("ten silent seconds bring one PING, five more the end")
  func silence() {
    var alive = KeepAlive(at: start)
    #expect(alive.due(at: start) == .fine(next: start + .seconds(10)))
    #expect(alive.due(at: start + .milliseconds(9_999)) == .fine(next: start + .seconds(10)))
    #expect(alive.due(at: start + .seconds(10)) == .ping)
    #expect(alive.due(at: start + .seconds(10)) == .fine(next: start + .seconds(15)))
    #expect(alive.due(at: start + .milliseconds(14_999)) == .fine(next: start + .seconds(15)))
    #expect(alive.due(at: start + .seconds(15)) == .dead)
    #expect(alive.due(at: start + .seconds(16)) == .dead)
  }

  @Test("any frame counts as life, also between PING and deadline")
  func heard() {
    var alive = KeepAlive(at: start)
    #expect(alive.due(at: start + .seconds(12)) == .ping)
    alive.heard(at: start + .seconds(14))
    #expect(alive.due(at: start + .seconds(20)) == .fine(next: start + .seconds(24)))
    #expect(alive.due(at: start + .seconds(24)) == .ping)
  }

  @Test("a late look asks first and never finds the link dead at once")
  func lateLook() {
    var alive = KeepAlive(at: start)
    let late = start + .seconds(600)
    #expect(alive.due(at: late) == .ping)
    #expect(alive.due(at: late + .seconds(4)) == .fine(next: late + .seconds(5)))
  }

  @Test("a frame heard out of order does not turn the clock back")
  func outOfOrder() {
    var alive = KeepAlive(at: start + .seconds(5))
    alive.heard(at: start)
    #expect(alive.due(at: start + .seconds(6)) == .fine(next: start + .seconds(15)))
  }
}
