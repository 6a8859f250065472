import NIOCore
import Testing

@testable import Multiplexer

@Suite("Turns") struct TurnTests {
  @Test("a bulk stream delays a small one by one turn at most")
  func smallBesideBulk() throws {
    var pair = try Pair()
    let bulk = try pair.opened()
    let small = try pair.opened()
    _ = pair.relay.send(bulk.relay, .zeros(65_536))
    _ = pair.relay.send(small.relay, .zeros(100))
    let sent = frames(pair.relay.output()).filter { $0.type == FrameType.data.rawValue }
    #expect(sent.map(\.length) == [16_384, 100, 49_152])
  }

  @Test("a stream that is alone gets 64 KiB in one frame")
  func alone() throws {
    var pair = try Pair()
    let bulk = try pair.opened()
    _ = pair.relay.send(bulk.relay, .zeros(65_536))
    #expect(frames(pair.relay.output()).map(\.length) == [65_536])
  }

  @Test("behind a narrow way it gets 4 KiB at once, for somebody may come while they leave")
  func narrow() throws {
    var pair = try Pair()
    let bulk = try pair.opened()
    pair.relay.takesShortTurns = true
    _ = pair.relay.send(bulk.relay, .zeros(10_000))
    #expect(pair.relay.nextOutput()?.readableBytes == 4_096 + FrameHeader.size)
    #expect(frames(pair.relay.output()).map(\.length) == [4_096, 1_808])
  }

  @Test("control frames go before what waits for its turn")
  func controlFirst() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(5_000))
    pair.relay.ping(1)
    #expect(frames(pair.relay.output()).map(\.type) == [0x08, 0x03])
  }

  @Test("a small piece waits for no turn, unless somebody else does")
  func smallAtOnce() throws {
    var pair = try Pair()
    let (bulk, small) = (try pair.opened(), try pair.opened())
    _ = pair.relay.send(small.relay, .zeros(10))
    pair.relay.ping(1)
    #expect(frames(pair.relay.output()).map(\.type) == [0x03, 0x08])
    _ = pair.relay.send(bulk.relay, .zeros(20_000))
    _ = pair.relay.send(small.relay, .zeros(10), end: true)
    #expect(frames(pair.relay.output()).map(\.length) == [16_384, 10, 3_616])
  }

  @Test("many streams take turns, none twice before each had one")
  func roundRobin() throws {
    var pair = try Pair()
    for _ in 0..<50 {
      guard let slot = pair.relay.open(.sample) else { throw Missing(what: "room") }
      _ = pair.relay.send(slot, .zeros(40_000))
    }
    let data = frames(pair.relay.output()).filter { $0.type == FrameType.data.rawValue }
    for turn in 0..<2 {
      let streams = Set(data[(turn * 50)..<(turn * 50 + 50)].map(\.stream))
      #expect(streams.count == 50)
    }
  }

  @Test("send says wait, and resumed comes once what it kept is on its way")
  func resumed() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    let first = pair.relay.send(slot.relay, .zeros(65_536))
    #expect(first)
    let second = pair.relay.send(slot.relay, .zeros(1))
    #expect(!second)
    let seen = try pair.settle()
    #expect(seen.relay == [])
    pair.agent.credit(slot.agent, seen.agent.bytes)
    #expect(try pair.settle().relay == [.resumed(slot.relay)])
  }

  @Test("a half that was reset is not resumed any more")
  func notResumed() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(60_000))
    let goesOn = pair.relay.send(slot.relay, .zeros(5_536 + 1))
    #expect(!goesOn)
    let seen = try pair.settle().agent
    pair.agent.credit(slot.agent, seen.bytes)
    pair.flush(.agent)
    _ = try pair.carry(from: .agent)
    pair.flush(.relay)
    pair.relay.reset(slot.relay, Farewell(.cancelled, blame: .client))
    #expect(try pair.events(.relay) == [])
  }

  @Test("streams that wait for the pool cost nothing to those that do not")
  func poolWaitersSleep() throws {
    var pair = try Pair()
    for _ in 0..<1_000 {
      guard let slot = pair.relay.open(.sample) else { throw Missing(what: "room") }
      _ = pair.relay.send(slot, .zeros(60_000))
    }
    _ = try pair.settle()
    #expect(!pair.relay.hasOutput)
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(2_048))
    _ = try pair.settle()
    pair.agent.credit(slot.agent, 2_048)
    pair.flush(.agent)
    _ = try pair.carry(from: .agent)
    #expect(!pair.relay.hasOutput)
  }

  @Test("one that waits for the pool goes on once another gives something back")
  func poolWaiterWakes() throws {
    var limits = Session.Limits()
    limits.credit.pool = 20_000
    var pair = try Pair(limits)
    let first = try pair.opened()
    let second = try pair.opened()
    _ = pair.relay.send(first.relay, .zeros(22_048))
    #expect(try pair.settle().agent.bytes == 22_048)
    _ = pair.relay.send(second.relay, .zeros(10_000))
    #expect(try pair.settle().agent.bytes == 2_048)
    // Only the other one's reader goes on.
    pair.agent.credit(first.agent, 22_048)
    #expect(try pair.settle().agent.bytes(of: second.agent) == 7_952)
  }

  @Test("what the pool gets back goes to those that wait for it, in turn")
  func poolWaitersWake() throws {
    var pair = try Pair()
    var slots: [(relay: Slot, agent: Slot)] = []
    for _ in 0..<200 { slots.append(try pair.opened()) }
    for slot in slots { _ = pair.relay.send(slot.relay, .zeros(60_000)) }
    var came = try pair.settle().agent
    var total = came.bytes
    for _ in 0..<40 {
      for slot in slots { pair.agent.credit(slot.agent, came.bytes(of: slot.agent)) }
      came = try pair.settle().agent
      total += came.bytes
    }
    #expect(total == 200 * 60_000)
  }
}
