import Glibc

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

  /// Twelve characters, written in place: every exchange prints one.
  private static func clock(_ parts: tm, _ milliseconds: UInt64) -> String {
    String(unsafeUninitializedCapacity: 12) { out in
      func two(_ number: Int32, at place: Int) {
        out[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10 % 10)
        out[place + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10)
      }
      two(parts.tm_hour, at: 0)
      out[2] = UInt8(ascii: ":")
      two(parts.tm_min, at: 3)
      out[5] = UInt8(ascii: ":")
      two(parts.tm_sec, at: 6)
      out[8] = UInt8(ascii: ".")
      out[9] = UInt8(ascii: "0") + UInt8(milliseconds / 100 % 10)
      two(Int32(milliseconds % 100), at: 10)
      return 12
    }
  }

  private static func padded(_ number: Int32, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
