/// How much a peer may ask and say a second, beside the bytes that it has credit for (limits.md,
/// "Agent link"). What a flood of small frames costs is bounded by this, and by `Turn.backlog` for
/// one who does not read the answers.
///
/// Frames that ask for nothing have a bucket too: PING, PONG, GOAWAY, skipped types, WINDOW without
/// progress, and what is about a stream that is over. An honest peer sends these as well, for they
/// cross what they are about; so each stream brings some, and each KiB that was under way when a
/// half was reset brings the WINDOW that may be under way for it.
struct Rates {
  static let perStream: UInt64 = 4
  /// WINDOW comes at most once for so many bytes (docs/protocol.md, "Credit").
  static let bytesPerReport: UInt64 = 1_024
  static let mostSpare: UInt64 = 16_384

  /// When the bytes that are being decoded were read.
  var now: UInt64 = 0
  private var controls: Bucket
  private var opens: Bucket?
  private var idle: Bucket
  private var spare: UInt64 = 0

  init(_ limits: Session.Limits) {
    controls = limits.controls
    opens = limits.opens
    idle = limits.idle
  }

  mutating func control() throws(SessionFault) {
    guard controls.take(at: now) else { throw .peer(.tooManyControls) }
  }

  mutating func open() throws(SessionFault) {
    guard opens?.take(at: now) != false else { throw .peer(.tooManyOpens) }
  }

  mutating func idleFrame() throws(SessionFault) {
    if spare > 0 {
      spare &-= 1  // bounded: it is above 0
    } else {
      guard idle.take(at: now) else { throw .peer(.tooManyIdle) }
    }
  }

  mutating func streamBegins() { earn(Rates.perStream) }
  mutating func pongIsDue() { earn(1) }
  mutating func reportsMayCross(_ outstanding: UInt64) {
    earn(outstanding / Rates.bytesPerReport)
  }

  // bounded: at most 2^63 bytes were under way
  private mutating func earn(_ count: UInt64) { spare = min(spare &+ count, Rates.mostSpare) }
}
