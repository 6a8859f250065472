/// How often the relay itself answered, by code, since it started. Belongs to the relay's event
/// loop.
struct RefusalCounts {
  private var counts: [String: UInt64] = [:]

  /// `code` is one of ours, so there are few.
  mutating func add(_ code: String) { counts[code, default: 0] += 1 }

  subscript(code: String) -> UInt64 { counts[code] ?? 0 }

  /// `policy-cidr=3 unknown-domain=12`, for the log.
  var words: String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }
}
