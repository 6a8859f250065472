/// Finds and checks one response head (RFC 9112 sections 2, 4 and 5), as strictly as a request's:
/// what an app sends is passed to strangers who may read it differently. Resumable at any byte.
///
/// A missing reason phrase is tolerated with and without the space before it. Throws `malformed`
/// and `headerTooLarge`; then it is of no further use.
package struct ResponseScanner: Sendable {
  package internal(set) var head = ResponseHead()
  private let limits: HeadLimits
  private var position = 0
  private var cursor: FieldCursor?
  private var body = FramingFields()
  private var connection = ConnectionOptions()
  private var hasUpgrade = false

  /// `HTTP/1.1 200` and the byte behind it.
  private static let fixed = 13

  package init(limits: HeadLimits = .init()) {
    self.limits = limits
  }

  /// Looks at all bytes of this head received so far; `span` begins with its first byte and grows
  /// from call to call. True: `head` is complete and `head.length` bytes long.
  package mutating func scan(_ span: Span<UInt8>) throws(MessageFault) -> Bool {
    if cursor == nil {
      guard let end = try scanLine(span) else { return false }
      cursor = FieldCursor(at: end)
    }
    while true {
      switch try cursor?.next(span, field: limits.field, fields: limits.fields) {
      case .field(let field): try take(field, span)
      case .end(let end):
        head.length = end
        head.announced = body.framing
        head.closes = connection.closes || head.minorVersion == 0
        head.upgrade = hasUpgrade && connection.upgrades && head.minorVersion == 1
        connection.mark(&head.fields, span)
        return true
      case .more, nil: return false
      }
    }
  }

  /// Ready for the next head.
  package mutating func reset() {
    head.reset()
    position = 0
    cursor = nil
    body = FramingFields()
    connection.reset()
    hasUpgrade = false
  }

  private mutating func scanLine(_ span: Span<UInt8>) throws(MessageFault) -> Int? {
    let count = span.count
    if position == 0 {
      guard try takeStatus(span) else { return nil }
    }
    let limit = min(count, limits.line &+ 1)
    if position < limit { position = ByteRun.value(span, from: position, to: limit) }
    guard position < limit else {
      if position <= limits.line { return nil }
      throw .headerTooLarge
    }
    switch span[position] {
    case Byte.carriageReturn: break
    case Byte.lineFeed: throw .malformed(.lineEnd)
    default: throw .malformed(.statusLine)
    }
    guard position &+ 1 < count else { return nil }
    guard span[position &+ 1] == Byte.lineFeed else { throw .malformed(.lineEnd) }
    head.reason = ByteRange(min(Self.fixed, position), position)
    return position &+ 2
  }

  /// The version and the status. An app that speaks something else is found out by its first byte,
  /// not when enough of them came for a line.
  private mutating func takeStatus(_ span: Span<UInt8>) throws(MessageFault) -> Bool {
    guard span.count >= Self.fixed else {
      let start: StaticString = "HTTP/1."
      for index in 0..<min(span.count, start.utf8CodeUnitCount)
      where span[index] != start.utf8Start[index] {
        throw .malformed(.version)
      }
      return false
    }
    guard let minor = Version.minor(span, 0, 8) else { throw .malformed(.version) }
    let hundreds = span[9] &- 0x30
    let tens = span[10] &- 0x30
    let units = span[11] &- 0x30
    guard span[8] == Byte.space, 1...9 ~= hundreds, tens < 10, units < 10 else {
      throw .malformed(.statusLine)
    }
    head.minorVersion = minor
    head.status = Int(hundreds) &* 100 &+ Int(tens) &* 10 &+ Int(units)
    switch span[12] {
    case Byte.space: position = Self.fixed
    case Byte.carriageReturn: position = Self.fixed &- 1
    case Byte.lineFeed: throw .malformed(.lineEnd)
    default: throw .malformed(.statusLine)
    }
    return true
  }

  @inline(__always)
  private mutating func take(_ field: Field, _ span: Span<UInt8>) throws(MessageFault) {
    guard head.fields.count < limits.count else { throw .headerTooLarge }
    if head.fields.isEmpty { head.fields.reserveCapacity(HeadLimits.usual) }
    switch field.kind {
    case .contentLength: try body.takeLength(span, field)
    case .transferEncoding:
      try body.takeCoding(span, field, minorVersion: head.minorVersion)
    case .connection: try connection.take(span, field.value, inRequest: false)
    case .upgrade: hasUpgrade = hasUpgrade || !field.value.isEmpty
    default: break
    }
    head.fields.append(field)
  }
}
