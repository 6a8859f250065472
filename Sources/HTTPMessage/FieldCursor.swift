/// Walks the field lines of a head or of a trailer section (RFC 9112 section 5), resumable at any
/// byte: a section that drips in is looked at once, not again from its start.
///
/// What it faults on is decided by position alone, so a section in pieces meets the same fault as
/// a whole one. Throws `malformed` and `headerTooLarge`.
struct FieldCursor: Sendable {
  enum Line {
    /// The section goes on after the bytes at hand.
    case more
    case field(Field)
    /// The empty line was met; the section ends before this offset.
    case end(Int)
  }

  private let section: Int
  private var line: Int
  private var position: Int
  /// Offset of this line's colon; 0 while it was not met (a name is never empty).
  private var colon = 0
  private var underscore = false

  init(at section: Int) {
    self.section = section
    line = section
    position = section
  }

  @inline(__always)
  mutating func next(
    _ span: Span<UInt8>, field: Int, fields: Int
  ) throws(MessageFault) -> Line {
    let count = span.count
    guard line < count else { return .more }
    if position == line, span[line] == Byte.carriageReturn {
      guard line &+ 1 < count else { return .more }
      guard span[line &+ 1] == Byte.lineFeed else { throw .malformed(.lineEnd) }
      return .end(line &+ 2)
    }
    // A line's CR stands at `last` at the latest.
    let last = min(line &+ field, section &+ fields)
    let limit = min(count, last &+ 1)
    if colon == 0 {
      guard position < limit else { return try runsOut(last) }
      position = ByteRun.token(span, from: position, to: limit, underscore: &underscore)
      guard position < limit else { return try runsOut(last) }
      guard span[position] == Byte.colon, position > line else {
        throw nameFault(span[position])
      }
      colon = position
      position &+= 1
    }
    guard position < limit else { return try runsOut(last) }
    position = ByteRun.value(span, from: position, to: limit)
    guard position < limit else { return try runsOut(last) }
    guard span[position] == Byte.carriageReturn else {
      throw .malformed(span[position] == Byte.lineFeed ? .lineEnd : .fieldValue)
    }
    guard position &+ 1 < count else { return .more }
    guard span[position &+ 1] == Byte.lineFeed else { throw .malformed(.lineEnd) }
    return .field(try finishLine(span))
  }

  @inline(__always)
  private mutating func finishLine(_ span: Span<UInt8>) throws(MessageFault) -> Field {
    let name = ByteRange(line, colon)
    if underscore, FieldName.isAlias(span, name) { throw .malformed(.fieldAlias) }
    let field = Field(
      name: name, value: span.trimmed(colon &+ 1, position), kind: FieldName(span, name))
    position &+= 2
    line = position
    colon = 0
    underscore = false
    return field
  }

  /// The line has no end in the bytes at hand.
  private func runsOut(_ last: Int) throws(MessageFault) -> Line {
    if position <= last { return .more }
    throw .headerTooLarge
  }

  private func nameFault(_ byte: UInt8) -> MessageFault {
    switch byte {
    case Byte.carriageReturn, Byte.lineFeed: .malformed(.lineEnd)
    case Byte.space, Byte.tab: .malformed(position == line ? .folded : .fieldNameSpace)
    default: .malformed(.fieldName)
    }
  }
}
