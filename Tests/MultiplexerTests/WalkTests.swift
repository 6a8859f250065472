import Testing

@Suite("Random walks") struct WalkTests {
  @Test(
    "two honest machines never lose, reorder or double a byte, never fault, and end with nothing",
    arguments: 0..<8 as Range<UInt64>)
  func honest(_ shard: UInt64) throws {
    for seed in 0..<12 {
      var walk = try Walk(seed: shard * 1_000 + UInt64(seed))
      try walk.run(steps: 1_200)
    }
  }
}
