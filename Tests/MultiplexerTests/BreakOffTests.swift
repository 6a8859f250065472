import NIOCore
import Testing

@testable import Multiplexer

@Suite("Breaking off") struct BreakOffTests {
  @Test(
    "what waited still arrives, in turns and under credit, before the RESET",
    arguments: [
      3, 5_000, 200_000,
    ])
  func waits(_ count: Int) throws {
    var pair = try Pair()
    let slot = try pair.opened()
    _ = pair.agent.send(slot.agent, .zeros(count))
    let why = Farewell(.upstreamInvalid, blame: .upstream, "it broke off")
    pair.agent.breakOff(slot.agent, why)
    let more = pair.agent.send(slot.agent, .zeros(10), end: true)
    #expect(more)
    var seen: [Session.Event] = []
    var received = 0
    for _ in 0..<20 where !seen.contains(.reset(slot.relay, why)) {
      for event in try pair.settle().relay {
        seen.append(event)
        guard case .data(_, let bytes, let end) = event else { continue }
        #expect(!end)
        received += bytes.readableBytes
        pair.relay.credit(slot.relay, bytes.readableBytes)
      }
    }
    #expect(received == count)
    #expect(seen.last == .reset(slot.relay, why))
  }

  @Test("without anything that waits it is a RESET")
  func atOnce() throws {
    var pair = try Pair()
    let slot = try pair.opened()
    let why = Farewell(.cancelled, blame: .agent)
    pair.agent.breakOff(slot.agent, why)
    #expect(try pair.settle().relay == [.reset(slot.relay, why)])
  }
}
