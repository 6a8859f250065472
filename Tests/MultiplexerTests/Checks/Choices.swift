/// Where a walk's choices come from: a seed, or a fuzzer's bytes for as long as they last.
struct Choices: RandomNumberGenerator {
  private var bytes: ArraySlice<UInt8>
  private var seeded: Seeded

  init(seed: UInt64) {
    bytes = []
    seeded = Seeded(seed)
  }

  init(bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    seeded = Seeded(0)
  }

  var isSpent: Bool { bytes.isEmpty }

  mutating func next() -> UInt64 {
    guard let first = bytes.popFirst(), let second = bytes.popFirst() else {
      return seeded.next()
    }
    // The library chooses from a range by the top bits, and a Bool by one near the low end.
    return UInt64(first) << 56 | UInt64(second) &* 0x0001_0101_0101_0101
  }
}
