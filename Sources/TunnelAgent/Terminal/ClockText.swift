import Glibc
import TunnelCore

/// A moment of the wall clock, as people and as machines read it. Milliseconds since 1970, UTC.
package enum ClockText {
  /// `10:12:13.388`, in the zone that TZ or the system says.
  package static func local(_ unixMilliseconds: UInt64) -> String {
    var seconds = time_t(clamping: unixMilliseconds / 1000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return clock(parts, unixMilliseconds % 1000)
  }

  /// `2026-11-21T10:12:13.388Z` (RFC 3339).
  package static func utc(_ unixMilliseconds: UInt64) -> String {
    var seconds = time_t(clamping: unixMilliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let day = [padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1), padded(parts.tm_mday)]
    return day.joined(separator: "-") + "T" + clock(parts, unixMilliseconds % 1000) + "Z"
  }

  private static func clock(_ parts: tm, _ milliseconds: UInt64) -> String {
    [padded(parts.tm_hour), padded(parts.tm_min), padded(parts.tm_sec)].joined(separator: ":")
      + "." + padded(Int32(milliseconds), 3)
  }

  private static func padded(_ number: Int32, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// The same `10:12:13.388`, for every exchange: the zone is asked once a second.
struct LocalClock {
  private var second: UInt64 = .max
  private var parts = tm()

  /// Writes twelve characters.
  mutating func write(_ unixMilliseconds: UInt64, to line: inout LinePen) {
    if unixMilliseconds / 1_000 != second {
      second = unixMilliseconds / 1_000
      var seconds = time_t(clamping: second)
      localtime_r(&seconds, &parts)
    }
    line.put(UInt64(parts.tm_hour), digits: 2)
    line.put(UInt8(ascii: ":"))
    line.put(UInt64(parts.tm_min), digits: 2)
    line.put(UInt8(ascii: ":"))
    line.put(UInt64(parts.tm_sec), digits: 2)
    line.put(UInt8(ascii: "."))
    line.put(unixMilliseconds % 1_000, digits: 3)
  }
}
