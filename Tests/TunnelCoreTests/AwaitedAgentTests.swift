import Testing
import TunnelCore

@Suite("agents that were sent away") struct AwaitedAgentTests {
  private let start = Moment(nanoseconds: 5_000_000_000)

  private func after(_ seconds: Double) -> Moment { start + .seconds(seconds) }

  @Test("the first request sets the moment at which all of them are answered")
  func together() {
    var awaited = AwaitedAgent(at: start)
    #expect(awaited.wait(at: after(1)) == after(7))
    #expect(awaited.wait(at: after(1)) == after(7))
    #expect(awaited.wait(at: after(6.9)) == after(7))
  }

  @Test("after a wait in vain nobody waits any more", arguments: [7, 7.1, 30, 59, 3_600])
  func inVain(seconds: Double) {
    var awaited = AwaitedAgent(at: start)
    _ = awaited.wait(at: after(1))
    #expect(awaited.wait(at: after(seconds)) == nil)
  }

  @Test(
    "an agent is expected for as long as its place is kept, a minute",
    arguments: [(0, true), (59, true), (60, false), (3_600, false)])
  func expected(seconds: Double, waits: Bool) {
    var awaited = AwaitedAgent(at: start)
    #expect(awaited.wait(at: after(seconds)) == (waits ? after(seconds + 6) : nil))
  }

  @Test("the times are settings; with no patience nobody waits")
  func settings() {
    var short = AwaitedAgent(at: start, for: .seconds(2), patience: .milliseconds(500))
    #expect(short.wait(at: after(1)) == after(1.5))
    var none = AwaitedAgent(at: start, patience: .zero)
    #expect(none.wait(at: start) == nil)
  }
}
