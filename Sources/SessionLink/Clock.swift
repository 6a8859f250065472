import Multiplexer
import NIOCore
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

extension Moment {
  /// The monotonic clock, read.
  package static var now: Moment { Moment(nanoseconds: NIODeadline.now().uptimeNanoseconds) }
}

extension Duration {
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}

/// The clock on the wall, which may jump: for stamps, never for waiting.
package enum WallClock {
  /// Milliseconds since 1970.
  package static func milliseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
  }
}

extension ID {
  package init(_ wire: WireID) { self.init(high: wire.high, low: wire.low) }
  package var wire: WireID { WireID(high: high, low: low) }
}
