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
    #expect(alive.due(at: start + .seconds(10)) == .fine(next: start + .seconds(12)))
    #expect(alive.due(at: start + .milliseconds(11_999)) == .fine(next: start + .seconds(12)))
    #expect(!alive.isSuspect)
    #expect(alive.due(at: start + .seconds(12)) == .suspect(next: start + .seconds(15)))
    #expect(alive.isSuspect)
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
    #expect(alive.due(at: late + .seconds(1)) == .fine(next: late + .seconds(2)))
  }

  @Test("a frame heard out of order does not turn the clock back")
  func outOfOrder() {
    var alive = KeepAlive(at: start + .seconds(5))
    alive.heard(at: start)
    #expect(alive.due(at: start + .seconds(6)) == .fine(next: start + .seconds(15)))
  }

  @Test("a stream asks for a sign of life, unless one is younger than a second")
  func opens() {
    var alive = KeepAlive(at: start)
    #expect(alive.opens(at: start + .milliseconds(999)) == false)
    #expect(alive.opens(at: start + .seconds(1)) == true)
    #expect(alive.opens(at: start + .seconds(2)) == false, "one PING is under way")
    #expect(alive.due(at: start + .seconds(3)) == .suspect(next: start + .seconds(6)))
    #expect(alive.due(at: start + .seconds(6)) == .dead)
  }

  @Test("a doubt asks at once, and a frame clears suspicion")
  func doubts() {
    var alive = KeepAlive(at: start)
    #expect(alive.probe(at: start) == true)
    #expect(alive.probe(at: start) == false)
    #expect(alive.due(at: start + .seconds(2)) == .suspect(next: start + .seconds(5)))
    alive.heard(at: start + .seconds(3))
    #expect(!alive.isSuspect)
    #expect(alive.due(at: start + .seconds(5)) == .fine(next: start + .seconds(13)))
    #expect(alive.probe(at: start + .seconds(5)) == true)
    #expect(alive.due(at: start + .seconds(7)) == .suspect(next: start + .seconds(10)))
  }

  @Test("a process that stood still for more than 10 s notices, once")
  func stoodStill() {
    var turns = SleepDetector(at: start)
    #expect(turns.hasSlept(at: start + .seconds(10)) == false)
    #expect(turns.hasSlept(at: start + .milliseconds(20_001)) == true)
    #expect(turns.hasSlept(at: start + .milliseconds(20_002)) == false)
  }
}
