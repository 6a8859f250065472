import TunnelCore

/// How wide a link's way out is, by what the other side acknowledged while more waited than went
/// out. (The kernel's own figure jumps: it is one round trip's, and the first bytes through a
/// token bucket or behind a repaired loss look fast.)
struct LinkMeter {
  /// Bytes a second (limits.md: 20 Mbit/s).
  static let border = 20_000_000.0 / 8
  /// It judges after so much, or after so long.
  static let enough: UInt64 = 64 << 10
  static let span = Duration.milliseconds(100)
  /// Between two times of pressure; a longer one is rest, and says nothing of the way.
  static let breath = Duration.milliseconds(20)

  private var from: (acknowledged: UInt64, at: Moment)?
  private var pressedUntil: Moment?

  /// Whether `begins` would have to know what is acknowledged.
  func isResting(at now: Moment) -> Bool {
    guard from != nil, let pressedUntil else { return from == nil }
    return now - pressedUntil > LinkMeter.breath
  }

  /// More is to go out than goes. Acknowledged are bytes since the link began.
  mutating func begins(acknowledged: UInt64, at now: Moment) {
    if isResting(at: now) { from = (acknowledged, now) }
    pressedUntil = nil
  }

  /// Some of it went, and nobody wants to know how much.
  mutating func breathes(at now: Moment) { pressedUntil = now }

  /// Some of it went. Nil: too early to say.
  mutating func ends(acknowledged: UInt64, at now: Moment) -> LinkWidth? {
    pressedUntil = now
    guard let from else { return nil }
    let bytes = acknowledged > from.acknowledged ? acknowledged - from.acknowledged : 0
    let span = now - from.at
    guard bytes >= LinkMeter.enough || span >= LinkMeter.span else { return nil }
    self.from = (acknowledged, now)
    let seconds = max(Double(span.nanoseconds) / 1e9, 1e-6)
    return Double(bytes) / seconds < LinkMeter.border ? .narrow : .wide
  }
}
