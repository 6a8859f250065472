import NIOCore
import Testing

@testable import Multiplexer

@Suite("How streams end") struct EndingTests {
  static let bye = Farewell(.cancelled, blame: .client, "closed its tab")

  @Test("END both ways closes the stream on both sides, once, and frees its slot")
  func ends() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(10), end: true)
    _ = pair.agent.send(slot.agent, .zeros(20), end: true)
    let seen = try pair.settle()
    #expect(seen.relay == [.data(slot.relay, .zeros(20), end: true), .closed(slot.relay)])
    #expect(seen.agent.signals == [.closed(slot.agent)])
    let next = try pair.opened()
    #expect(next.relay.index == slot.relay.index)
    #expect(next.relay != slot.relay)
  }

  @Test("a stale slot does nothing, whoever holds its place now")
  func stale() throws {
    var pair = try Pair()
    let old = try pair.opened()
    pair.relay.reset(old.relay, Self.bye)
    pair.agent.reset(old.agent, Self.bye)
    _ = try pair.settle()
    let new = try pair.opened()
    #expect(new.relay.index == old.relay.index)
    let goesOn = pair.relay.send(old.relay, .zeros(1 << 20), end: true)
    pair.relay.credit(old.relay, 5)
    pair.relay.commit(old.relay)
    pair.relay.stop(old.relay, Self.bye)
    pair.relay.reset(old.relay, Self.bye)
    #expect(goesOn)
    #expect(try pair.settle().agent == [])
    #expect(pair.relay.openStreams == 1)
  }

  @Test("STOP ends the other's half with the same farewell, and its own goes on")
  func stop() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.agent.send(slot.agent, .zeros(1 << 20))
    pair.relay.stop(slot.relay, Self.bye)
    let seen = try pair.settle()
    #expect(seen.relay == [])
    #expect(seen.agent == [.stopped(slot.agent, Self.bye)])
    _ = pair.relay.send(slot.relay, .zeros(3), end: true)
    let last = try pair.settle()
    #expect(last.agent == [.data(slot.agent, .zeros(3), end: true), .closed(slot.agent)])
    #expect(last.relay == [.closed(slot.relay)])
    #expect(pair.agent.sendPool.used == 0)
    #expect(pair.relay.receivePool.used == 0)
  }

  @Test("RESET ends one half, and what was sent before it arrives")
  func reset() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(9))
    pair.flush(.relay)
    pair.relay.reset(slot.relay, Self.bye)
    #expect(
      try pair.settle().agent
        == [.data(slot.agent, .zeros(9), end: false), .reset(slot.agent, Self.bye)])
    _ = pair.agent.send(slot.agent, .zeros(4), end: true)
    #expect(try pair.settle().relay.signals == [.closed(slot.relay)])
  }

  /// What one side may do to a stream, for all pairs of them to cross.
  enum Act: CaseIterable {
    case end, emptyEnd, stop, reset, stopReset, resetStop, endStop, stopEnd

    func act(_ session: inout Session, _ slot: Slot) {
      switch self {
      case .end: _ = session.send(slot, .zeros(5_000), end: true)
      case .emptyEnd: _ = session.send(slot, ByteBuffer(), end: true)
      case .stop: session.stop(slot, bye)
      case .reset: session.reset(slot, bye)
      case .stopReset:
        session.stop(slot, bye)
        session.reset(slot, bye)
      case .resetStop:
        session.reset(slot, bye)
        session.stop(slot, bye)
      case .endStop:
        _ = session.send(slot, .zeros(5_000), end: true)
        session.stop(slot, bye)
      case .stopEnd:
        session.stop(slot, bye)
        _ = session.send(slot, .zeros(5_000), end: true)
      }
    }
  }

  @Test("every way to end crosses every other one, and nothing is left", arguments: Act.allCases)
  func crossings(_ relayAct: Act) throws {
    for agentAct in Act.allCases {
      for dataFirst in [false, true] {
        var pair = try Pair()
        let slot = try pair.opened()
        if dataFirst {
          _ = pair.relay.send(slot.relay, .zeros(40_000))
          _ = pair.agent.send(slot.agent, .zeros(40_000))
          pair.flush(.relay)
          pair.flush(.agent)
        }
        relayAct.act(&pair.relay, slot.relay)
        agentAct.act(&pair.agent, slot.agent)
        var seen = try pair.settle()
        _ = pair.relay.send(slot.relay, ByteBuffer(), end: true)
        _ = pair.agent.send(slot.agent, ByteBuffer(), end: true)
        let late = try pair.settle()
        seen.relay += late.relay
        seen.agent += late.agent
        pair.relay.credit(slot.relay, seen.relay.bytes)
        pair.agent.credit(slot.agent, seen.agent.bytes)
        let last = try pair.settle()
        seen.relay += last.relay
        seen.agent += last.agent
        #expect(seen.relay.filter { $0 == .closed(slot.relay) }.count == 1)
        #expect(seen.agent.filter { $0 == .closed(slot.agent) }.count == 1)
        expectNothingLeft(pair)
      }
    }
  }

  @Test("STOP for a half that has ended says nothing to it")
  func stopAfterEnd() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.agent.send(slot.agent, .zeros(50_000), end: true)
    _ = try pair.settle()
    pair.relay.stop(slot.relay, Self.bye)
    #expect(try pair.settle().agent == [])
    #expect(pair.agent.sendPool.used == 0)
  }

  @Test("a new stream in the place of one that its reader still holds is no stream too many")
  func noFalseLimit() throws {
    var pair = try Pair(streamLimit: 1)
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(2_000), end: true)
    _ = try pair.settle()
    // The app answers before it has read its request.
    _ = pair.agent.send(slot.agent, .zeros(10), end: true)
    _ = try pair.settle()
    #expect(pair.relay.canOpen)
    _ = try pair.opened()
  }

  @Test("one stream more than the limit cannot be opened, and ends the session of who tries")
  func limits() throws {
    var pair = try Pair(streamLimit: 2)
    _ = try pair.opened()
    _ = try pair.opened()
    #expect(!pair.relay.canOpen)
    let third = pair.relay.open(.sample)
    #expect(third == nil)
    #expect(pair.agent.violation(Wire.open(5)) == .tooManyStreams)
  }

  @Test("a peer that would take billions of streams gets 4,096 at most")
  func ownLimit() throws {
    var session = Session.agent()
    var hello = ByteBuffer()
    Hello.sample("relay", .max).write(to: &hello)
    _ = try session.take(hello)
    var opened = 0
    while session.open(.sample) != nil, opened < 5_000 { opened += 1 }
    #expect(opened == 4_096)
  }
}

/// Both sums are back at nothing and every slot is free.
func expectNothingLeft(_ pair: Pair, _ comment: Comment? = nil) {
  for end in Pair.End.allCases {
    let session = pair[end]
    #expect(session.openStreams == 0, comment)
    #expect(session.sendPool.used == 0, comment)
    #expect(session.receivePool.used == 0, comment)
    #expect(session.slotOfID.isEmpty, comment)
    #expect(session.freeSlots.count == session.streams.count, comment)
    #expect(session.queued.isEmpty, comment)
  }
}
