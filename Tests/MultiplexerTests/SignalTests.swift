import NIOCore
import Testing

@testable import Multiplexer

@Suite("COMMIT, PING, GOAWAY") struct SignalTests {
  @Test("COMMIT goes each way once on a held stream, however often it is said")
  func commit() throws {
    var pair = try Pair()
    let slot = try pair.opened(.heldSample)
    pair.agent.commit(slot.agent)
    pair.agent.commit(slot.agent)
    #expect(try pair.settle().relay == [.commit(slot.relay)])
    pair.relay.commit(slot.relay)
    pair.relay.commit(slot.relay)
    #expect(try pair.settle().agent == [.commit(slot.agent)])
  }

  @Test("COMMIT on a stream that is not held does nothing here and is a fault from a peer")
  func commitUnheld() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    pair.agent.commit(slot.agent)
    #expect(!pair.agent.hasOutput)
    #expect(pair.relay.violation(Wire.frame(.commit, stream: 1)) == .notHeld(1))
  }

  @Test("a second COMMIT from a peer is a fault")
  func commitTwice() throws {
    var agent = Session.agent()
    let commit = Wire.frame(.commit, stream: 1)
    #expect(agent.violation(Wire.hello, Wire.open(1, .heldSample), commit) == nil)
    #expect(agent.violation(commit) == .notHeld(1))
  }

  @Test("a kept stream's RESET crosses the agent's COMMIT, and both are done")
  func commitCrossesReset() throws {
    var pair = try Pair()
    let slot = try pair.opened(.heldSample)
    let kept = Farewell(.kept, blame: .relay)
    pair.agent.commit(slot.agent)
    pair.relay.reset(slot.relay, kept)
    pair.relay.stop(slot.relay, kept)
    let seen = try pair.settle()
    #expect(seen.relay == [.commit(slot.relay), .closed(slot.relay)])
    #expect(
      seen.agent == [
        .reset(slot.agent, kept), .stopped(slot.agent, kept), .closed(slot.agent),
      ])
  }

  @Test("PING is answered by the machine with the same eight bytes")
  func ping() throws {
    var pair = try Pair()
    pair.agent.ping(0x0102_0304_0506_0708)
    let seen = try pair.settle()
    #expect(seen.relay == [])
    #expect(seen.agent == [.pong(0x0102_0304_0506_0708)])
  }

  @Test("GOAWAY stops new streams on both sides, and those that run go on")
  func goAway() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    pair.agent.goAway(.drain, "ctrl-c")
    let seen = try pair.settle()
    #expect(seen.relay == [.goAway(GoAway(.drain, "ctrl-c", lastStream: 1))])
    #expect(!pair.relay.canOpen)
    #expect(!pair.agent.canOpen)
    _ = pair.relay.send(slot.relay, .zeros(7), end: true)
    #expect(try pair.settle().agent.bytes == 7)
  }

  @Test("whoever hands over still opens streams, and takes none")
  func handover() throws {
    var pair = try Pair()
    pair.relay.goAway(.handover, "a new process")
    _ = try pair.settle()
    #expect(pair.relay.canOpen)
    #expect(!pair.agent.canOpen)
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(7), end: true)
    #expect(try pair.settle().agent.bytes == 7)
    pair.relay.goAway(.drain, "the relay stops")
    #expect(!pair.relay.canOpen)
  }

  @Test("a stream that crosses GOAWAY is refused unseen, and does not count as taken")
  func goAwayCrossed() throws {
    var pair = try Pair()
    _ = try pair.opened()
    guard let late = pair.relay.open(.heldSample) else { throw Missing(what: "room") }
    _ = pair.relay.send(late, .zeros(50_000), end: true)
    pair.agent.goAway(.stop, "")
    var seen = try pair.settle()
    #expect(seen.agent == [])
    #expect(seen.relay.first == .goAway(GoAway(.stop, "", lastStream: 1)))
    #expect(
      seen.relay.contains {
        if case .reset(late, let farewell) = $0 { farewell.code == .overloaded } else { false }
      })
    #expect(seen.relay.last == .closed(late))
    #expect(pair.agent.openStreams == 1)
    pair.agent.goAway(.stop, "again")
    seen = try pair.settle()
    #expect(seen.relay == [.goAway(GoAway(.stop, "again", lastStream: 1))])
  }

  @Test("a fault says GOAWAY, gives no more events, and keeps nothing that still comes")
  func fault() throws {
    var agent = Session.agent()
    agent.goAway(.drain, "")
    #expect(agent.violation(Wire.hello, Wire.frame(0x3f)) == .unknownFrame(0x3f))
    var relay = Session(role: .relay, hello: .sample("relay"))
    let heard = try relay.take(agent.output())
    #expect(
      heard.last
        == .goAway(
          GoAway(
            .protocolFault, "the peer broke the protocol: frame type 63 is unknown and critical")))
    #expect(try agent.take(Wire.open(1), .zeros(100_000)) == [])
    #expect(agent.input.readableBytes == 0)
  }

  @Test("a peer that pings on and never reads the answers loses its session")
  func neverReads() throws {
    var limits = Session.Limits()
    limits.idle = Bucket(perSecond: 1_000, burst: 10_000)
    var agent = Session.agent(limits)
    _ = try agent.take(Wire.hello)
    _ = agent.output()
    fill(&agent)
    var pings = ByteBuffer()
    for _ in 0..<5_000 { pings.writeImmutableBuffer(Wire.frame(.ping, .zeros(8))) }
    #expect(agent.violation(pings) == .neverReads)
    #expect(agent.output().readableBytes < 5 << 20)
  }

  @Test("a peer that opens, is refused, and never reads loses its session")
  func neverReadsRefusals() throws {
    var agent = Session.agent()
    _ = try agent.take(Wire.hello)
    _ = agent.output()
    fill(&agent)
    var fault: SessionFault.Violation?
    var id: UInt64 = 1
    while fault == nil, id < 6_000 {
      for case .opened(let slot, _) in (try? agent.take(Wire.open(id))) ?? [] {
        agent.reset(slot, Farewell(.overloaded, blame: .agent, "no room for this one"))
      }
      fault = agent.violation(Wire.data(id, 0, end: true))
      id += 2
    }
    #expect(fault == .neverReads)
  }

  /// Lets all but the last 100 KB of what may wait for a peer be there.
  private func fill(_ session: inout Session) {
    let notice = Control.notice(code: "full", text: String(repeating: "x", count: 4_000))
    while session.outbox.readableBytes < (4 << 20) - 100_000 { session.send(notice) }
  }
}
