import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("agent status")
struct AgentStatusTests {
  private typealias Step = (event: AgentEvent, moment: UInt64, time: UInt64)

  private static let ready = AgentEvent.ready(
    url: "https://mine.example", upstream: "http://localhost:3000", domain: "mine.example")

  /// Moments in seconds, times in milliseconds.
  private func status(_ steps: Step...) -> AgentStatus {
    var status = AgentStatus(
      relay: "https://relay.example", domain: "mine", upstream: "http://localhost:3000", since: 1)
    for step in steps {
      _ = status.heed(
        step.event, at: Moment(nanoseconds: step.moment * 1_000_000_000), time: step.time)
    }
    return status
  }

  @Test("before anything happened it is connecting, for what was asked for")
  func fresh() {
    let fresh = status()
    #expect(fresh.state == .reconnecting && fresh.reason == "connecting")
    #expect(fresh.endpoints[0].domain == "mine" && fresh.endpoints[0].since == 1)
    // A label is no public name yet.
    #expect(fresh.domains == [])
  }

  @Test("ready: online, with the name that the relay gave")
  func becomesReady() {
    let ready = status((Self.ready, 1, 100))
    #expect(ready.state == .online && ready.reason == nil)
    #expect(ready.domains == ["mine.example"])
    #expect(ready.endpoints[0].url == "https://mine.example")
    #expect(ready.endpoints[0].state == .online && ready.endpoints[0].since == 100)
  }

  @Test("away: the reason, the wait that shrinks, and since when")
  func away() {
    let away = status(
      (Self.ready, 1, 100), (.reconnecting(reason: "cut", retryMilliseconds: 2_000), 10, 200),
      (.reconnecting(reason: "refused", retryMilliseconds: 3_000), 12, 300))
    #expect(away.state == .reconnecting && away.reason == "refused")
    #expect(away.wait(at: Moment(nanoseconds: 12_500_000_000)) == .milliseconds(2_500))
    #expect(away.wait(at: Moment(nanoseconds: 99_000_000_000)) == .zero)
    #expect(away.endpoints[0].state == .reconnecting && away.endpoints[0].since == 200)
    #expect(away.domains == ["mine.example"])
  }

  @Test("back: online anew, nothing left of the way there")
  func back() {
    let back = status(
      (Self.ready, 1, 100), (.reconnecting(reason: "cut", retryMilliseconds: 0), 10, 200),
      (.online, 11, 300))
    #expect(back.state == .online && back.reason == nil)
    #expect(back.wait(at: Moment(nanoseconds: 0)) == nil)
    #expect(back.endpoints[0].since == 300)
  }

  @Test("standby: who serves, and since when that one does")
  func standby() {
    let standby = status((Self.ready, 1, 100), (.standby(owner: "ann@macbook", since: 77), 2, 200))
    #expect(standby.state == .standby)
    #expect(standby.endpoints[0].servedBy == "ann@macbook" && standby.endpoints[0].since == 77)
    let taken = status(
      (Self.ready, 1, 100), (.standby(owner: "ann@macbook", since: 77), 2, 200), (.online, 3, 300))
    #expect(taken.state == .online && taken.endpoints[0].servedBy == nil)
  }

  @Test("a standby that is cut off is reconnecting, and nobody's guest any more")
  func standbyAway() {
    let away = status(
      (.standby(owner: "ann@macbook", since: 77), 2, 200),
      (.reconnecting(reason: "cut", retryMilliseconds: 1), 3, 300))
    #expect(away.state == .reconnecting)
    #expect(away.endpoints[0].servedBy == nil && away.endpoints[0].since == 300)
  }

  @Test("requests and warnings are nobody's state")
  func chatter() {
    var status = status((Self.ready, 1, 100))
    let before = status
    for event in [AgentEvent.warning("x"), .claimed(domain: "mine.example")] {
      let isNews = status.heed(event, at: Moment(nanoseconds: 0), time: 9)
      #expect(!isNews)
    }
    #expect(status == before)
  }

  @Test("a report says it as the contract does, and is read back the same")
  func report() throws {
    let away = status(
      (Self.ready, 1, 100), (.reconnecting(reason: "cut\u{1b}", retryMilliseconds: 2_000), 10, 200))
    let report = StatusReport(
      away, pid: 7, webAddress: "127.0.0.1:4040", at: Moment(nanoseconds: 10_500_000_000))
    #expect(
      report.json.line
        == #"{"state":"reconnecting","pid":7,"web_addr":"127.0.0.1:4040","relay":"https://relay.example","endpoints":[{"domain":"mine.example","url":"https://mine.example","upstream":"http://localhost:3000","state":"reconnecting","served_by":null,"since":"1970-01-01T00:00:00.200Z"}],"reason":"cut\u001b","retry_ms":1500}"#
    )
    #expect(StatusReport(Array(report.json.line.utf8)) == report)
    #expect(StatusReport(Array("{}".utf8)) == nil)
  }

  @Test("lines for a person, with nothing that a terminal obeys")
  func lines() {
    let online = StatusReport(
      status((Self.ready, 1, 100)), pid: 7, webAddress: "127.0.0.1:4040",
      at: Moment(nanoseconds: 0))
    #expect(
      StatusLines.of(online) == [
        "online        https://mine.example -> http://localhost:3000, since 1970-01-01T00:00:00Z",
        "  pid 7  http://127.0.0.1:4040  relay https://relay.example",
      ])
    let away = StatusReport(
      status((.reconnecting(reason: "cut\u{1b}", retryMilliseconds: 1_500), 0, 0)), pid: 7,
      webAddress: "127.0.0.1:4040", at: Moment(nanoseconds: 0))
    #expect(
      StatusLines.of(away)[0]
        == "reconnecting  mine -> http://localhost:3000 (cut\\x1b), next try in 1.5 s")
    let silent = StatusReport(
      silent: PortFile.Content(pid: 7, webAddress: "127.0.0.1:4040", domains: ["mine.example"]))
    #expect(silent.serves("mine") && silent.serves("mine.example") && !silent.serves("min"))
    #expect(
      StatusLines.of(silent) == [
        "reconnecting  mine.example (the agent does not answer)", "  pid 7  http://127.0.0.1:4040",
      ])
  }

  @Test(
    "what the relay decides about a take",
    arguments: [
      (AgentEvent.online, nil), (ready, nil),
      (.standby(owner: "ann@macbook", since: 0), "domain-taken"),
      (.replaced(by: "ann@macbook"), "domain-taken"),
      (.reconnecting(reason: "cut", retryMilliseconds: 0), "not-connected"),
      (.error(code: "domain-not-held", message: "no", fix: nil), "domain-not-held"),
    ])
  func taken(_ event: AgentEvent, _ code: String?) {
    guard case .refused(let error) = Taking.outcome(event) else {
      #expect(code == nil)
      return
    }
    #expect(error.code == code)
  }
}
