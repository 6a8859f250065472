import Foundation

/// How many seeds each eighth of the walk has.
enum SeedCount {
  static let eighth: UInt64 = {
    let wanted = ProcessInfo.processInfo.environment["TUNNEL_SEEDS"].flatMap { UInt64($0) }
    return max(1, wanted ?? 375)
  }()
}
