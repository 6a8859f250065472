/// Numbers that differ and need not be secret: identifiers and delays, without the system call that
/// the system's own generator costs. With a seed they come again the same (xoshiro256++, Blackman
/// and Vigna 2019).
package struct SmallRandom: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  package init() {
    var system = SystemRandomNumberGenerator()
    state = (system.next(), system.next(), system.next(), system.next() | 1)
  }

  /// The seed is spread over the state by splitmix64, as its authors advise.
  package init(seed: UInt64) {
    var last = seed
    func spread() -> UInt64 {
      last &+= 0x9E37_79B9_7F4A_7C15
      var mixed = last
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
    state = (spread(), spread(), spread(), spread())
  }

  package mutating func next() -> UInt64 {
    let sum = state.0 &+ state.3
    let result = (sum << 23 | sum >> 41) &+ state.0
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = state.3 << 45 | state.3 >> 19
    return result
  }
}
