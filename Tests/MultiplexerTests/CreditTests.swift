import NIOCore
import Testing

@testable import Multiplexer

@Suite("Credit") struct CreditTests {
  @Test("the first 64 KiB of a stream go at once, and not a byte more")
  func firstWindow() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    let goesOn = pair.relay.send(slot.relay, .zeros(1 << 20))
    #expect(!goesOn)
    #expect(try pair.settle().agent.bytes == 65_536)
  }

  @Test("the window doubles while the reader keeps up, to 4 MiB")
  func growth() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(64 << 20))
    var rounds: [Int] = []
    for _ in 0..<14 {
      let came = try pair.settle().agent.bytes
      rounds.append(came)
      pair.agent.credit(slot.agent, came)
    }
    #expect(rounds[0] == 65_536)
    #expect(rounds[1] == 131_072)
    #expect(rounds[4] == 1 << 20)
    #expect(rounds[13] == 4 << 20)
  }

  @Test("a reader that takes each read at once earns a wider window too")
  func growthBySmallReads() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(16 << 20))
    pair.flush(.relay)
    for _ in 0..<200 {
      for case .data(let slot, let bytes, _) in try pair.carry(from: .relay, upTo: 9_000) {
        pair.agent.credit(slot, bytes.readableBytes)
      }
      pair.flush(.agent)
      _ = try pair.carry(from: .agent)
      pair.flush(.relay)
    }
    #expect(pair.fromRelay.readableBytes > 900_000)
  }

  @Test("the example in docs/protocol.md is what the machine does")
  func example() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.agent.send(slot.agent, .zeros(200_000), end: true)
    #expect(try pair.settle().relay.bytes == 65_536)
    #expect(pair.agent.sendPool.used == 63_488)
    pair.relay.credit(slot.relay, 40_000)
    #expect(try pair.settle().relay.bytes == 40_000)
    #expect(pair.agent.streams[slot.agent.index].credit.limit == 105_536)
    pair.relay.credit(slot.relay, 65_536)
    #expect(try pair.settle().relay.bytes == 94_464)
    #expect(pair.agent.streams[slot.agent.index].credit.limit == 236_608)
    #expect(pair.agent.sendPool.used == 92_416)
    pair.relay.credit(slot.relay, 93_464)
    _ = try pair.settle()
    #expect(pair.agent.sendPool.used == 0)
  }

  @Test("a slow reader's window does not grow")
  func noGrowth() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(1 << 20))
    var held = try pair.settle().agent.bytes
    for _ in 0..<300 {
      let count = min(held, 2_000)
      pair.agent.credit(slot.agent, count)
      held += try pair.settle().agent.bytes - count
      #expect(held <= 65_536)
    }
  }

  @Test("what is in flight never passes the pool and 2 KiB a stream")
  func poolBound() throws {
    var pair = try Pair()
    for _ in 0..<200 {
      guard let slot = pair.relay.open(.sample) else { throw Missing(what: "room") }
      _ = pair.relay.send(slot, .zeros(1 << 20))
    }
    let came = try pair.settle().agent.bytes
    #expect(came == (8 << 20) + 200 * 2_048)
    #expect(pair.relay.sendPool.free == 0)
    #expect(pair.agent.receivePool.used == 8 << 20)
    #expect(!pair.relay.hasOutput)
  }

  @Test("4,000 stalled streams do not stop another one")
  func stalled() throws {
    var pair = try Pair()
    for _ in 0..<4_000 {
      guard let slot = pair.relay.open(.sample) else { throw Missing(what: "room") }
      _ = pair.relay.send(slot, .zeros(100_000))
    }
    _ = try pair.settle()
    #expect(pair.relay.sendPool.free == 0)
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(300_000), end: true)
    var came = 0
    for _ in 0..<200 {
      let count = try pair.settle().agent.bytes(of: slot.agent)
      came += count
      if count > 0 { pair.agent.credit(slot.agent, count) }
    }
    #expect(came == 300_000)
  }

  @Test("a stalled stream that its reader takes up again goes on while the pool stays empty")
  func unstalled() throws {
    var pair = try Pair()
    var slots: [(relay: Slot, agent: Slot)] = []
    for _ in 0..<140 {
      slots.append(try pair.opened())
      _ = pair.relay.send(slots[slots.count - 1].relay, .zeros(70_000), end: true)
    }
    let first = try pair.settle().agent
    #expect(pair.relay.sendPool.free == 0)
    let late = slots[139]
    let held = first.bytes(of: late.agent)
    #expect(held == 2_048)
    pair.agent.credit(late.agent, held)
    #expect(try pair.settle().agent.bytes(of: late.agent) == 2_048)
  }

  @Test("one byte over a stream's credit ends the session")
  func overStream() throws {
    var agent = Session.agent()
    #expect(agent.violation(Wire.hello, Wire.open(1), Wire.data(1, 65_536)) == nil)
    #expect(agent.violation(Wire.data(1, 1)) == .creditExceeded(1))
  }

  @Test("one byte over the pool ends the session, though each stream stays in its own credit")
  func overPool() throws {
    var limits = Session.Limits()
    limits.credit.pool = 100_000
    var agent = Session.agent(limits)
    // 62 KiB of the pool for the first, 36,512 bytes for the second: then it is empty.
    #expect(agent.violation(Wire.hello, Wire.open(1), Wire.data(1, 65_536)) == nil)
    #expect(agent.violation(Wire.open(3), Wire.data(3, 2_048 + 36_512)) == nil)
    #expect(agent.violation(Wire.open(5), Wire.data(5, 2_048)) == nil)
    #expect(agent.violation(Wire.data(5, 1)) == .creditExceeded(5))
  }

  @Test(
    "credit that is taken back, or reported for bytes never sent, ends the session",
    arguments: [
      (101 as UInt64, 65_536 as UInt64), (9, 65_536), (10, 65_535), (10, .max), (.max, 65_536),
    ])
  func badWindow(consumed: UInt64, limit: UInt64) throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(100))
    _ = try pair.settle()
    #expect(pair.relay.violation(Wire.window(1, consumed: 10, limit: 65_536)) == nil)
    #expect(
      pair.relay.violation(Wire.window(1, consumed: consumed, limit: limit))
        == .creditTakenBack(1))
  }

  @Test("a stream that is over gives its credit back at once, though its reader is slow")
  func releasedAtEnd() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.relay.send(slot.relay, .zeros(60_000), end: true)
    _ = pair.agent.send(slot.agent, .zeros(10), end: true)
    _ = try pair.settle()
    #expect(pair.relay.openStreams == 1)
    pair.agent.credit(slot.agent, 58_000)
    _ = try pair.settle()
    #expect(pair.relay.openStreams == 0)
    #expect(pair.agent.openStreams == 0)
    #expect(pair.relay.sendPool.used == 0)
    #expect(pair.agent.receivePool.used == 0)
  }

  @Test("a link that never stops between two frames leaves nothing behind in memory")
  func inputDoesNotPileUp() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    let block = ByteBuffer.zeros(30_000)
    for _ in 0..<200 {
      _ = pair.relay.send(slot.relay, block)
      pair.flush(.relay)
      // All but the newest frame, and the first five bytes of that one's header.
      let count = pair.fromRelay.readableBytes - 30_014 + 5
      for case .data(let slot, let bytes, _) in try pair.carry(from: .relay, upTo: count) {
        pair.agent.credit(slot, bytes.readableBytes)
      }
      #expect(pair.agent.input.readableBytes == 5)
      pair.flush(.agent)
      _ = try pair.carry(from: .agent)
    }
    #expect(pair.agent.input.storageCapacity < 1 << 20)
  }

  @Test("a stream that always has something to send leaves nothing behind in memory")
  func pendingDoesNotPileUp() throws {
    var pair = try Pair()
    let slots = [try pair.opened(), try pair.opened()]
    for slot in slots { _ = pair.relay.send(slot.relay, .zeros(40_000)) }
    for _ in 0..<200 {
      for slot in slots { _ = pair.relay.send(slot.relay, .zeros(16_384)) }
      for _ in 0..<4 {
        if let bytes = pair.relay.nextOutput() { pair.fromRelay.writeImmutableBuffer(bytes) }
      }
      for case .data(let slot, let bytes, _) in try pair.carry(from: .relay) {
        pair.agent.credit(slot, bytes.readableBytes)
      }
      pair.flush(.agent)
      _ = try pair.carry(from: .agent)
    }
    for slot in slots {
      let pending = pair.relay.streams[slot.relay.index].pending
      #expect(pending.readableBytes >= 40_000)
      #expect(pending.storageCapacity < 1 << 20)
    }
  }
}
