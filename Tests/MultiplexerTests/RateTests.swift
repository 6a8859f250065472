import NIOCore
import Testing

@testable import Multiplexer

/// How often a peer may ask (limits.md, "Agent link"), in virtual time.
@Suite("Rates") struct RateTests {
  private static let second: UInt64 = 1_000_000_000

  @Test(
    "a bucket gives its burst at once, and its rate in the long run",
    arguments: [(100, 500), (200, 200), (1, 1), (1_000_000, 3)] as [(UInt64, UInt64)])
  func bucket(_ perSecond: UInt64, _ burst: UInt64) {
    var bucket = Bucket(perSecond: perSecond, burst: burst)
    let began = 77 * Self.second
    func taken(at now: UInt64) -> UInt64 {
      var count: UInt64 = 0
      while count < 5_000, bucket.take(at: now) { count += 1 }
      return count
    }
    #expect(taken(at: began) == burst)
    #expect(taken(at: began + Self.second / perSecond - 1) == 0)
    #expect(taken(at: began + Self.second / perSecond) == 1)
    #expect(taken(at: began + Self.second / perSecond) == 0)
    #expect(taken(at: began + 1_000 * Self.second) == burst)
  }

  @Test("numbers without sense make a bucket that traps at nothing")
  func extremes() {
    var none = Bucket(perSecond: 0, burst: 0)
    #expect(none.take(at: 0) && !none.take(at: 0))
    var all = Bucket(perSecond: .max, burst: .max)
    #expect(all.take(at: .max / 2) && all.take(at: .max / 2))
  }

  /// A machine that has heard HELLO and answers its peer.
  private func agent(_ change: (inout Session.Limits) -> Void = { _ in }) throws -> Session {
    var limits = Session.Limits()
    change(&limits)
    var agent = Session.agent(limits)
    _ = try agent.take(Wire.hello)
    return agent
  }

  /// How many of these frames the machine takes at `now`, and why not one more.
  private func taken(
    _ agent: inout Session, at now: UInt64, most: Int = 2_000, _ frame: (Int) -> ByteBuffer
  ) -> (count: Int, violation: SessionFault.Violation?) {
    for count in 0..<most {
      agent.receive(frame(count), at: now)
      do throws(SessionFault) {
        while let event = try agent.next() {
          guard case .opened(let slot, _) = event else { continue }
          agent.reset(slot, Farewell(.done, blame: .agent))
          agent.stop(slot, Farewell(.done, blame: .agent))
        }
      } catch {
        guard case .peer(let violation) = error else { return (count, nil) }
        return (count, violation)
      }
      _ = agent.output()
    }
    return (most, nil)
  }

  private static let notice = HostileTests.control(11, Wire.fields((0, [65]), (2, [66])))

  @Test("500 CONTROL frames at once and 100 a second; one more ends the session by `limit`")
  func controls() throws {
    var agent = try agent()
    #expect(taken(&agent, at: Self.second, most: 500) { _ in Self.notice } == (500, nil))
    #expect(taken(&agent, at: 2 * Self.second, most: 100) { _ in Self.notice } == (100, nil))
    #expect(
      taken(&agent, at: 2 * Self.second) { _ in Self.notice } == (0, .tooManyControls))
    let last = agent.output()
    var relay = Session(role: .relay, hello: .sample("relay"))
    _ = try relay.take(Session.helloBytes)
    guard case .goAway(let goAway)? = try relay.take(last).last else {
      Issue.record("no GOAWAY")
      return
    }
    #expect(goAway.code == .limit && goAway.text.contains("CONTROL"))
  }

  @Test("streams that begin and end again: 200 a second, and no more")
  func opens() throws {
    var relay = Session(role: .relay, hello: .sample("relay", 32))
    var limits = Session.Limits()
    limits.opens = Bucket(perSecond: 200, burst: 200)
    relay = Session(role: .relay, hello: .sample("relay", 32), limits: limits)
    _ = try relay.take(Wire.hello)
    func stream(_ number: Int) -> ByteBuffer {
      var bytes = Wire.open(UInt64(number + 1) * 2)
      bytes.writeImmutableBuffer(Wire.data(UInt64(number + 1) * 2, 0, end: true))
      return bytes
    }
    #expect(taken(&relay, at: Self.second, most: 200, stream) == (200, nil))
    #expect(
      taken(&relay, at: Self.second * 3 / 2, most: 100) { stream($0 + 200) } == (100, nil))
    #expect(
      taken(&relay, at: Self.second * 3 / 2) { stream($0 + 300) } == (0, .tooManyOpens))
  }

  @Test("an agent opens no more often than it may, a relay as often as it likes")
  func opensOfRelay() throws {
    var agent = try agent()
    let all = taken(&agent, at: 0, most: 1_000) { number in
      var bytes = Wire.open(UInt64(number) * 2 + 1)
      bytes.writeImmutableBuffer(Wire.data(UInt64(number) * 2 + 1, 0, end: true))
      return bytes
    }
    #expect(all == (1_000, nil))
  }

  /// Each behind HELLO, one stream that is open (1) and one that is over (3).
  private static let idle: [(name: String, frame: ByteBuffer)] = [
    ("PING", Wire.frame(.ping, .zeros(8))), ("PONG", Wire.frame(.pong, .zeros(8))),
    ("GOAWAY", Wire.frame(.goAway, Wire.fields((0, [0, 0])))),
    ("a skipped type", Wire.frame(0x41, .zeros(3))),
    ("WINDOW that says nothing new", Wire.window(1, consumed: 0, limit: 65_536)),
    ("WINDOW of a stream that is over", Wire.window(3, consumed: 0, limit: 65_536)),
    ("STOP of a stream that is over", Wire.frame(.stop, stream: 3, Wire.fields((0, [0, 1])))),
  ]

  @Test("a flood that asks for nothing ends the session", arguments: idle.indices)
  func flood(_ index: Int) throws {
    var agent = try agent()
    let over = taken(&agent, at: 0, most: 1) { _ in
      var bytes = Wire.open(3)
      bytes.writeImmutableBuffer(Wire.data(3, 0, end: true))
      return bytes
    }
    #expect(over == (1, nil))
    agent.receive(Wire.open(5), at: 0)
    while try agent.next() != nil {}
    var frame = Self.idle[index].frame
    if Self.idle[index].name == "WINDOW that says nothing new" {
      frame = Wire.window(5, consumed: 0, limit: 65_536)
    }
    let found = taken(&agent, at: Self.second) { _ in frame }
    // Two streams brought four each.
    #expect(found == (508, .tooManyIdle))
  }

  @Test("a STOP behind the end is news about credit once; a flood of them ends the session")
  func stops() throws {
    var agent = try agent()
    agent.receive(Wire.open(1), at: 0)
    var slot: Slot?
    while let event = try agent.next() {
      if case .opened(let opened, _) = event { slot = opened }
    }
    _ = agent.send(try #require(slot), .zeros(4_000), end: true)
    _ = agent.output()
    let stop = Wire.frame(.stop, stream: 1, Wire.fields((0, [0, 1])))
    #expect(taken(&agent, at: 0) { _ in stop } == (504, .tooManyIdle))
  }

  @Test("what crosses the end of many streams is no flood")
  func crossing() throws {
    var agent = try agent()
    let all = taken(&agent, at: 0, most: 2_000) { number in
      let id = UInt64(number) * 2 + 1
      var bytes = Wire.open(id)
      bytes.writeImmutableBuffer(Wire.data(id, 0, end: true))
      // The machine has reset its half by then, or will have.
      if number > 0 {
        bytes.writeImmutableBuffer(Wire.window(id - 2, consumed: 0, limit: 65_536))
        bytes.writeImmutableBuffer(
          Wire.frame(.stop, stream: id - 2, Wire.fields((0, [0, 0]))))
      }
      return bytes
    }
    #expect(all == (2_000, nil))
  }

  @Test("WINDOWs under way for what a reset cut off are no flood")
  func crossingReports() throws {
    var agent = try agent { $0.idle = Bucket(perSecond: 1, burst: 1) }
    agent.receive(Wire.open(1), at: 0)
    var slot: Slot?
    while let event = try agent.next() {
      if case .opened(let opened, _) = event { slot = opened }
    }
    let open = try #require(slot)
    _ = agent.send(open, .zeros(60 << 10))
    _ = agent.output()
    agent.reset(open, Farewell(.cancelled, blame: .agent))
    let all = taken(&agent, at: 0, most: 60) { number in
      Wire.window(1, consumed: UInt64(number + 1) << 10, limit: 1 << 20)
    }
    #expect(all == (60, nil))
  }

  @Test("who pings is answered, however often it asked")
  func pongs() throws {
    var agent = try agent { $0.idle = Bucket(perSecond: 1, burst: 1) }
    for number in 0..<1_000 {
      agent.ping(UInt64(number))
      #expect(taken(&agent, at: 0, most: 1) { _ in Wire.frame(.pong, .zeros(8)) } == (1, nil))
    }
  }
}

extension Session {
  fileprivate static var helloBytes: ByteBuffer {
    var agent = Session.agent()
    return agent.output()
  }
}
