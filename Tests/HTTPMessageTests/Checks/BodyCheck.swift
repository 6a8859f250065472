import HTTPMessage

/// The body tracker lets the same bytes pass and ends at the same place however they are cut,
/// holds no more back than its limits allow, and ends where the plainest reading ends.
package enum BodyCheck {
  /// Switches: bits 0 and 1 chunked, by length, until close or none; bits 2 to 6 the length, in
  /// steps of 7 bytes; bit 7 small limits.
  package static func run(_ bytes: [UInt8]) throws {
    let input = Input(bytes)
    let length = UInt64(input.switches >> 2 & 31) * 7
    let framing: BodyFraming =
      switch input.switches & 3 {
      case 0: .chunked
      case 1: .length(length)
      case 2: .untilClose
      default: .none
      }
    let atOnce = try track(framing, [input.message], input.limits)
    let inSlices = try track(framing, input.slices, input.limits)
    try demand(atOnce == inSlices, "cut: \(inSlices); at once: \(atOnce)")
    guard atOnce.fault == nil else { return }
    let end: Int? =
      switch framing {
      case .chunked: try chunkedEnd(input.message)
      case .length: length <= input.message.count ? Int(length) : nil
      case .untilClose: nil
      case .none: 0
      }
    try demand(atOnce.ended == (end != nil), "ended: \(atOnce.ended), the end: \(end ?? -1)")
    if let end { try demand(atOnce.passed == end, "\(atOnce.passed) passed, not \(end)") }
  }

  private struct Tracked: Equatable {
    /// Not told after a fault: how much passed before it depends on the cuts.
    var passed = 0
    var ended = false
    var fault: MessageFault?
    var truncated = false
  }

  private static func track(
    _ framing: BodyFraming, _ slices: [[UInt8]], _ limits: HeadLimits
  ) throws(Broken) -> Tracked {
    var tracker = BodyTracker(framing, limits: limits)
    var tracked = Tracked()
    var unread: [UInt8] = []
    do throws(MessageFault) {
      for slice in slices where !tracker.ended {
        unread += slice
        let (count, ended) = try tracker.consume(Array(unread).span)
        if count > unread.count || ended != tracker.ended { tracked.passed = -1 }
        unread.removeFirst(min(count, unread.count))
        tracked.passed += count
      }
      tracked.ended = tracker.ended
    } catch {
      tracked.passed = 0
      tracked.fault = error
      return tracked
    }
    if !tracked.ended {
      let most = max(limits.chunkLine, limits.trailers) + 4
      try demand(unread.count <= most, "it holds \(unread.count) bytes back")
    }
    do throws(MessageFault) { try tracker.finish() } catch { tracked.truncated = true }
    try demand(
      tracked.truncated == (!tracked.ended && framing != .untilClose), "half a body is whole")
    return tracked
  }

  /// Where a chunked body ends, nil if it does not; only asked about one without a fault.
  private static func chunkedEnd(_ message: [UInt8]) throws(Broken) -> Int? {
    var index = 0
    func line() -> [UInt8]? {
      let rest = message[index...]
      for place in rest.indices.dropLast() where rest[place] == 0x0d && rest[place + 1] == 0x0a {
        let line = Array(rest[..<place])
        index = place + 2
        return line
      }
      return nil
    }
    while true {
      guard let head = line() else { return nil }
      let digits = head.prefix { $0 != 0x3b }
      guard let size = UInt64(String(decoding: digits, as: UTF8.self), radix: 16) else {
        throw Broken("a chunk's size is no number")
      }
      if size == 0 { break }
      guard size <= UInt64(message.count - index) else { return nil }
      index += Int(size)
      guard index + 2 <= message.count else { return nil }
      try demand(message[index] == 0x0d && message[index + 1] == 0x0a, "no CRLF behind data")
      index += 2
    }
    while let trailer = line() { if trailer.isEmpty { return index } }
    return nil
  }
}
