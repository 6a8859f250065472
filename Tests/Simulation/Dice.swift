import TunnelCore

/// All that a run leaves to chance, from one seed.
final class Dice {
  private var random: SmallRandom

  init(seed: UInt64) { random = SmallRandom(seed: seed) }

  func number() -> UInt64 { random.next() }

  /// 0 up to `count` less one. So few sides that the remainder's unevenness does not matter.
  func roll(_ count: Int) -> Int { Int(truncatingIfNeeded: random.next() >> 33) % max(1, count) }

  func between(_ low: Int, _ high: Int) -> Int { low + roll(high - low + 1) }

  func chance(_ percent: Int) -> Bool { roll(100) < percent }

  func milliseconds(_ low: Int, _ high: Int) -> Duration {
    .nanoseconds(Int64(between(low * 1_000, high * 1_000)) * 1_000)
  }

  func pick<Element>(_ elements: [Element]) -> Element? {
    elements.isEmpty ? nil : elements[roll(elements.count)]
  }
}
