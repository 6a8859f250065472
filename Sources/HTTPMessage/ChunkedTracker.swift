/// Finds the end of a chunked body (RFC 9112 section 7.1) without touching its bytes.
///
/// Data passes at once. A size line, the CRLF behind data and the trailer section are held back
/// until they are whole and valid, so no bad frame is ever passed on; the caller keeps what was not
/// consumed and shows it again with more behind it. Throws `malformed` and `headerTooLarge`.
struct ChunkedTracker: Sendable {
  private enum Stage {
    case line
    case data(UInt64)
    case dataEnd
    case trailers
    case ended
  }

  private let limits: HeadLimits
  private var stage = Stage.line
  private var cursor = FieldCursor(at: 0)
  private var trailers = 0

  /// A chunk's size has at most 16 digits and stays below this.
  private static let largest: UInt64 = 1 << 62

  init(_ limits: HeadLimits) {
    self.limits = limits
  }

  mutating func consume(_ span: Span<UInt8>) throws(MessageFault) -> (count: Int, ended: Bool) {
    var position = 0
    while true {
      switch stage {
      case .line:
        guard let size = try line(span, &position) else { return (position, false) }
        stage = size == 0 ? .trailers : .data(size)
      case .data(let left):
        let here = UInt64(span.count &- position)
        guard here >= left else {
          stage = .data(left &- here)
          return (span.count, false)
        }
        position &+= Int(left)
        stage = .dataEnd
      case .dataEnd:
        guard position < span.count else { return (position, false) }
        guard span[position] == Byte.carriageReturn else { throw .malformed(.chunkEnd) }
        guard position &+ 1 < span.count else { return (position, false) }
        guard span[position &+ 1] == Byte.lineFeed else { throw .malformed(.chunkEnd) }
        position &+= 2
        stage = .line
      case .trailers:
        guard let length = try section(span.extracting(position...)) else {
          return (position, false)
        }
        stage = .ended
        return (position &+ length, true)
      case .ended: return (position, true)
      }
    }
  }

  /// A whole size line from `position`, which moves behind it; nil if more is needed.
  private func line(
    _ span: Span<UInt8>, _ position: inout Int
  ) throws(MessageFault) -> UInt64? {
    let last = position &+ limits.chunkLine
    let limit = min(span.count, last &+ 1)
    var index = position
    var size: UInt64 = 0
    while index < limit, let digit = Self.digit(span[index]) {
      guard index &- position < 16 else { throw .malformed(.chunkSize) }
      size = size &<< 4 | UInt64(digit)
      index &+= 1
    }
    guard index < limit else { return try runsOut(index, last) }
    guard index > position, size < Self.largest else { throw .malformed(.chunkSize) }
    if span[index] == Byte.semicolon {
      // What an extension says is nobody's business here, but it may hide no line end.
      index &+= 1
      while index < limit, Self.isExtension(span[index]) { index &+= 1 }
      guard index < limit else { return try runsOut(index, last) }
      guard span[index] == Byte.carriageReturn else { throw .malformed(.chunkLine) }
    }
    guard span[index] == Byte.carriageReturn else { throw .malformed(.chunkSize) }
    guard index &+ 1 < span.count else { return nil }
    guard span[index &+ 1] == Byte.lineFeed else { throw .malformed(.chunkLine) }
    position = index &+ 2
    return size
  }

  private func runsOut(_ index: Int, _ last: Int) throws(MessageFault) -> UInt64? {
    if index <= last { return nil }
    throw .malformed(.chunkLine)
  }

  /// The trailer section, whose first byte is `span`'s; its length once it is whole.
  private mutating func section(_ span: Span<UInt8>) throws(MessageFault) -> Int? {
    while true {
      switch try cursor.next(span, field: limits.field, fields: limits.trailers) {
      case .more: return nil
      case .end(let end): return end
      case .field(let field):
        // A trailer that frames, routes or is ours could be merged into the head by its reader
        // (RFC 9110 section 6.5.1).
        guard field.kind == .other || field.kind == .accept else { throw .malformed(.trailer) }
        trailers &+= 1  // bounded: it throws at `limits.count`
        guard trailers <= limits.count else { throw .headerTooLarge }
      }
    }
  }

  @inline(__always)
  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
  }

  @inline(__always)
  private static func isExtension(_ byte: UInt8) -> Bool {
    byte == Byte.tab || 0x20...0x7e ~= byte
  }
}
