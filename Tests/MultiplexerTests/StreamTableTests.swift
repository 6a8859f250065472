import Testing

@testable import Multiplexer

@Suite("the table of streams")
struct StreamTableTests {
  @Test("agrees with a dictionary over a long random life", arguments: [1, 2, 3] as [UInt64])
  func agrees(_ seed: UInt64) {
    var random = Seeded(seed)
    var table = StreamTable()
    var model: [UInt64: Int] = [:]
    var next: UInt64 = 1
    for step in 0..<20_000 {
      // Ids of both sides, some far apart: a stream may live for weeks beside short ones.
      if model.count < 300, Bool.random(using: &random) {
        next += UInt64.random(in: 1...40, using: &random)
        table.add(next, step)
        model[next] = step
      } else if let id = model.keys.sorted().randomElement(using: &random) {
        table.remove(id)
        model[id] = nil
      }
      let probe = UInt64.random(in: 1...next + 10, using: &random)
      #expect(table[probe] == model[probe])
    }
    for (id, place) in model { #expect(table[id] == place) }
  }

  @Test("an id that was never there is not found, and removing it changes nothing")
  func absent() {
    var table = StreamTable()
    table.add(1, 7)
    table.remove(33)
    #expect(table[33] == nil)
    #expect(table[1] == 7)
  }
}
