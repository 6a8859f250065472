import Testing

@testable import TunnelCore

@Suite struct IDTests {
  @Test("an id's text reads back to the same id, in either case")
  func roundTrip() {
    var generator = SmallRandom(seed: 1)
    for _ in 0..<100 {
      let id = ID.random(using: &generator)
      #expect(ID(id.description) == id)
      #expect(ID(id.description.uppercased()) == id)
    }
    let known = ID(high: 0x0123_4567_89ab_7def, low: 0x8edc_ba98_7654_3210)
    #expect(known.description == "01234567-89ab-7def-8edc-ba9876543210")
  }

  @Test("a version 7 id carries its time first, its version and its variant")
  func version7() {
    var generator = SmallRandom(seed: 2)
    let id = ID(unixMilliseconds: 0x0123_4567_89ab, using: &generator)
    #expect(id.high >> 16 == 0x0123_4567_89ab)
    #expect(id.high >> 12 & 0xf == 7)
    #expect(id.low >> 62 == 0b10)
    #expect(ID.random(using: &generator).high >> 12 & 0xf == 4)
  }

  @Test("ids sort by the time they were made")
  func order() {
    var generator = SmallRandom(seed: 3)
    let ids = (0..<50).map { ID(unixMilliseconds: $0 * 7, using: &generator) }
    #expect(ids.shuffled().sorted() == ids)
    #expect(ids.map(\.description).sorted() == ids.map(\.description))
  }

  @Test(
    "what is not 36 characters of hex and hyphens is no id",
    arguments: [
      "", "0", "01234567-89ab-7def-8edc-ba987654321", "01234567-89ab-7def-8edc-ba98765432100",
      "0123456789ab-7def-8edc-ba9876543210--", "g1234567-89ab-7def-8edc-ba9876543210",
      "01234567_89ab-7def-8edc-ba9876543210", "{1234567-89ab-7def-8edc-ba987654321}",
      "٠1234567-89ab-7def-8edc-ba987654321",
    ])
  func invalid(text: String) {
    #expect(ID(text) == nil)
  }
}
