/// Takes a chunked body apart (RFC 9112 section 7.1), by pull: what is data, and what only frames
/// it.
///
/// Data passes at once. A size line, the CRLF behind data and the trailer section are held back
/// until they are whole and valid; the caller keeps what no step counted and shows it again with
/// more behind it. Throws `malformed` and `headerTooLarge`.
package struct ChunkedReader: Sendable {
  package enum Step: Equatable, Sendable {
    /// Nothing can be said before more bytes came.
    case more
    /// The first bytes are a size line, or the CRLF behind a chunk's data.
    case frame(Int)
    /// The first bytes are data.
    case data(Int)
    /// The first bytes are the trailer section with its empty line; its fields are in `trailers`.
    case trailers(Int)
    /// The body is over; nothing is consumed.
    case end
  }

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
  /// Of the trailer section, from its first byte.
  package private(set) var trailers: [Field] = []

  /// A chunk's size has at most 16 digits and stays below this.
  private static let largest: UInt64 = 1 << 62

  package init(limits: HeadLimits = .init()) {
    self.limits = limits
  }

  package var ended: Bool {
    if case .ended = stage { true } else { false }
  }

  /// `span` begins with the first byte that no step has counted yet.
  package mutating func next(_ span: Span<UInt8>) throws(MessageFault) -> Step {
    switch stage {
    case .line:
      guard let (length, size) = try line(span) else { return .more }
      stage = size == 0 ? .trailers : .data(size)
      return .frame(length)
    case .data(let left):
      if span.isEmpty { return .more }
      let here = UInt64(span.count)
      stage = here >= left ? .dataEnd : .data(left &- here)
      return .data(here >= left ? Int(left) : span.count)
    case .dataEnd:
      guard !span.isEmpty else { return .more }
      guard span[0] == Byte.carriageReturn else { throw .malformed(.chunkEnd) }
      guard span.count > 1 else { return .more }
      guard span[1] == Byte.lineFeed else { throw .malformed(.chunkEnd) }
      stage = .line
      return .frame(2)
    case .trailers:
      guard let length = try section(span) else { return .more }
      stage = .ended
      return .trailers(length)
    case .ended: return .end
    }
  }

  /// A whole size line: its length and what it says; nil if more is needed.
  private func line(_ span: Span<UInt8>) throws(MessageFault) -> (length: Int, size: UInt64)? {
    let last = limits.chunkLine
    let limit = min(span.count, last &+ 1)
    var index = 0
    var size: UInt64 = 0
    while index < limit, let digit = Self.digit(span[index]) {
      guard index < 16 else { throw .malformed(.chunkSize) }
      size = size &<< 4 | UInt64(digit)
      index &+= 1
    }
    guard index < limit else { return try runsOut(index) }
    guard index > 0, size < Self.largest else { throw .malformed(.chunkSize) }
    if span[index] == Byte.semicolon {
      // What an extension says is nobody's business here, but it may hide no line end.
      index &+= 1
      while index < limit, Self.isExtension(span[index]) { index &+= 1 }
      guard index < limit else { return try runsOut(index) }
      guard span[index] == Byte.carriageReturn else { throw .malformed(.chunkLine) }
    }
    guard span[index] == Byte.carriageReturn else { throw .malformed(.chunkSize) }
    guard index &+ 1 < span.count else { return nil }
    guard span[index &+ 1] == Byte.lineFeed else { throw .malformed(.chunkLine) }
    return (index &+ 2, size)
  }

  private func runsOut(_ index: Int) throws(MessageFault) -> (length: Int, size: UInt64)? {
    if index <= limits.chunkLine { return nil }
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
        guard trailers.count < limits.count else { throw .headerTooLarge }
        trailers.append(field)
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
