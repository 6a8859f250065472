import Glibc

/// A time as text, `2026-11-21T08:40:14Z` (RFC 3339).
enum Timestamp {
  static func text(_ unixMilliseconds: UInt64) -> String {
    var seconds = time_t(clamping: unixMilliseconds / 1_000)
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "?" }
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
