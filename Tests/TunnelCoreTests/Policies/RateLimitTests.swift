import Testing

@testable import TunnelCore

@Suite("rate limits")
struct RateLimitTests {
  private func moment(_ milliseconds: UInt64) -> Moment {
    Moment(nanoseconds: 1_000_000_000_000 + milliseconds * 1_000_000)
  }

  @Test(
    "how a rate is written",
    arguments: ["1/s", "10/s", "100/m", "1000/h", "1000000/s"])
  func written(_ text: String) throws { #expect(try RateLimit(text).description == text) }

  @Test(
    "what is no rate",
    arguments: [
      "", "10", "/s", "10/", "0/s", "-1/s", "+1/s", "1.5/s", "10/d", "10/S", "10/s/s", "1000001/s",
      " 10/s", "10 /s", "99999999999999999999/s",
    ])
  func faults(_ text: String) { #expect(throws: PolicyFault.self) { try RateLimit(text) } }

  @Test("so many at once, then one whenever its share of the time is over")
  func bucket() throws {
    var meter = RateMeter(try RateLimit("4/s"))
    for _ in 0..<4 { #expect(meter.refusal(of: 1, at: moment(0)) == nil) }
    #expect(meter.refusal(of: 1, at: moment(0))?.code == .policyRateLimit)
    #expect(meter.refusal(of: 1, at: moment(249)) != nil)
    #expect(meter.refusal(of: 1, at: moment(250)) == nil)
    #expect(meter.refusal(of: 1, at: moment(250)) != nil)
    // After the whole time it is full again, and no fuller.
    for _ in 0..<4 { #expect(meter.refusal(of: 1, at: moment(9_000)) == nil) }
    #expect(meter.refusal(of: 1, at: moment(9_000)) != nil)
  }

  @Test("in the long run no more pass than the rate, whatever is tried")
  func longRun() throws {
    var meter = RateMeter(try RateLimit("10/s"))
    let passed = (0..<100_000).count { meter.refusal(of: 1, at: moment(UInt64($0))) == nil }
    #expect(passed == 10 + 999)
  }

  @Test("each client has its own")
  func clients() throws {
    var meter = RateMeter(try RateLimit("1/s"))
    #expect(meter.refusal(of: 1, at: moment(0)) == nil)
    #expect(meter.refusal(of: 2, at: moment(0)) == nil)
    #expect(meter.refusal(of: 1, at: moment(0)) != nil)
    let home = try ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"].map {
      try #require(IPAddress($0)).place
    }
    #expect(home[0] == home[1] && home[1] != home[2])
  }

  @Test("Retry-After says when the next one passes, in whole seconds")
  func retryAfter() throws {
    var meter = RateMeter(try RateLimit("2/m"))
    for _ in 0..<2 { _ = meter.refusal(of: 1, at: moment(0)) }
    #expect(meter.refusal(of: 1, at: moment(0))?.retryAfter == 30)
    #expect(meter.refusal(of: 1, at: moment(1_500))?.retryAfter == 29)
    #expect(meter.refusal(of: 1, at: moment(29_999))?.retryAfter == 1)
    #expect(meter.refusal(of: 1, at: moment(30_000)) == nil)
  }

  @Test("it remembers a bounded number of clients, and within it nobody is forgotten early")
  func bounded() throws {
    var meter = RateMeter(try RateLimit("1/m"))
    for client in 0..<UInt128(RateMeter.most) {
      #expect(meter.refusal(of: client, at: moment(0)) == nil)
    }
    for client in 0..<UInt128(RateMeter.most) {
      #expect(meter.refusal(of: client, at: moment(59_000)) != nil)
    }
    for client in 0..<UInt128(10 * RateMeter.most) {
      _ = meter.refusal(of: client, at: moment(59_500))
      #expect(meter.places <= 2 * RateMeter.most)
    }
  }

  @Test("who was refused at a turn of the halves is not let in by it")
  func turns() throws {
    var meter = RateMeter(try RateLimit("1/s"))
    var passed = 0
    for step in 0..<10_000 where meter.refusal(of: 1, at: moment(UInt64(step * 7))) == nil {
      passed += 1
    }
    #expect(passed <= 70)
  }
}
