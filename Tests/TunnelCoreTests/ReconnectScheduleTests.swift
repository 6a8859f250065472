import Testing

@testable import TunnelCore

@Suite struct ReconnectScheduleTests {
  let start = Moment(nanoseconds: 1_000_000_000)

  @Test(
    "after a wake, a network change or a lost heartbeat it dials at once",
    arguments: [ReconnectSchedule.Cause.wake, .networkChange, .heartbeat])
  func atOnce(cause: ReconnectSchedule.Cause) {
    var generator = SmallRandom(seed: 10)
    var schedule = ReconnectSchedule()
    #expect(schedule.delay(after: cause, at: start, using: &generator) == .zero)
    let second = schedule.delay(after: .unreachable, at: start, using: &generator)
    #expect(ReconnectSchedule.steady.contains(second))
  }

  @Test("after the relay closed, a thousand agents spread over 2.5 s and then over 1 to 3 s")
  func spread() {
    var generator = SmallRandom(seed: 11)
    var quarters = [0, 0, 0, 0, 0]
    for _ in 0..<1_000 {
      var schedule = ReconnectSchedule()
      let first = schedule.delay(after: .closed, at: start, using: &generator)
      #expect(first >= .zero && first <= .milliseconds(2_500))
      quarters[Int(first / .milliseconds(625))] += 1
      let second = schedule.delay(after: .closed, at: start + first, using: &generator)
      #expect(ReconnectSchedule.steady.contains(second))
    }
    #expect(quarters[0..<4].allSatisfy { $0 > 180 })
  }

  @Test("where the relay hands over, the agents spread over half a second")
  func handover() {
    var generator = SmallRandom(seed: 14)
    var halves = [0, 0]
    for _ in 0..<1_000 {
      var schedule = ReconnectSchedule()
      let first = schedule.delay(after: .handover, at: start, using: &generator)
      #expect(first >= .zero && first <= .milliseconds(500))
      halves[first < .milliseconds(250) ? 0 : 1] += 1
      let second = schedule.delay(after: .unreachable, at: start + first, using: &generator)
      #expect(ReconnectSchedule.steady.contains(second))
    }
    #expect(halves.allSatisfy { $0 > 400 })
  }

  @Test("it tries every 1 to 3 s for ten minutes, then ranges double to 30 s, for ever")
  func doubling() {
    var generator = SmallRandom(seed: 12)
    var schedule = ReconnectSchedule()
    var now = start
    var late: [Duration] = []
    while now - start < .seconds(3_600) {
      let delay = schedule.delay(after: .unreachable, at: now, using: &generator)
      if now - start < .seconds(600) {
        #expect(ReconnectSchedule.steady.contains(delay))
      } else {
        late.append(delay)
      }
      now = now + delay
    }
    #expect((Duration.seconds(2)...Duration.seconds(6)).contains(late[0]))
    #expect((Duration.seconds(4)...Duration.seconds(12)).contains(late[1]))
    #expect((Duration.seconds(8)...Duration.seconds(24)).contains(late[2]))
    #expect(late[3...].allSatisfy { $0 >= .seconds(10) && $0 <= .seconds(30) })
    #expect(late[3...].contains { $0 > .seconds(25) })
  }

  @Test("a ready session, or a wake, starts the schedule over")
  func startsOver() {
    var generator = SmallRandom(seed: 13)
    var schedule = ReconnectSchedule()
    let hourLater = start + .seconds(3_600)
    for _ in 0..<9 { _ = schedule.delay(after: .closed, at: hourLater, using: &generator) }
    _ = schedule.delay(after: .closed, at: hourLater + .seconds(700), using: &generator)
    schedule.ready()
    let first = schedule.delay(after: .closed, at: hourLater + .seconds(800), using: &generator)
    #expect(first <= .milliseconds(2_500))
    let dayLater = hourLater + .seconds(90_000)
    #expect(schedule.delay(after: .wake, at: dayLater, using: &generator) == .zero)
    let next = schedule.delay(after: .unreachable, at: dayLater, using: &generator)
    #expect(ReconnectSchedule.steady.contains(next))
  }
}
