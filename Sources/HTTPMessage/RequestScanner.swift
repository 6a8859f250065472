/// Finds and checks one request head (RFC 9112 sections 2 to 5), strictly: what can be read in two
/// ways is a fault. Resumable at any byte and without an allocation once it is warm.
///
/// Throws `malformed`, `uriTooLong` and `headerTooLarge`; then it is of no further use.
package struct RequestScanner: Sendable {
  package internal(set) var head = RequestHead()
  private let limits: HeadLimits
  private var line = RequestLine()
  private var cursor: FieldCursor?
  private var body = FramingFields()
  private var connection = ConnectionOptions()
  private var hasUpgrade = false
  private var upgradesHTTP = false

  package init(limits: HeadLimits = .init()) {
    self.limits = limits
  }

  /// Looks at all bytes of this head received so far; `span` begins with its first byte and grows
  /// from call to call. True: `head` is complete and `head.length` bytes long.
  package mutating func scan(_ span: Span<UInt8>) throws(MessageFault) -> Bool {
    if cursor == nil {
      guard let end = try line.scan(span, limits, &head) else { return false }
      cursor = FieldCursor(at: end)
    }
    while true {
      switch try cursor?.next(span, field: limits.field, fields: limits.fields) {
      case .field(let field): try take(field, span)
      case .end(let end):
        try finish(span, end)
        return true
      case .more, nil: return false
      }
    }
  }

  /// Ready for the next head.
  package mutating func reset() {
    head.reset()
    line = RequestLine()
    cursor = nil
    body = FramingFields()
    connection.reset()
    hasUpgrade = false
    upgradesHTTP = false
  }

  @inline(__always)
  private mutating func take(_ field: Field, _ span: Span<UInt8>) throws(MessageFault) {
    guard head.fields.count < limits.count else { throw .headerTooLarge }
    if head.fields.isEmpty { head.fields.reserveCapacity(HeadLimits.usual) }
    if field.kind != .other { try act(on: field, span) }
    head.fields.append(field)
  }

  @inline(__always)
  private mutating func act(on field: Field, _ span: Span<UInt8>) throws(MessageFault) {
    switch field.kind {
    case .host:
      guard head.host == nil else { throw .malformed(.hostTwice) }
      guard HostField.isValid(span, field.value) else { throw .malformed(.host) }
      head.host = field.value
    case .contentLength: try body.takeLength(span, field)
    case .transferEncoding:
      try body.takeCoding(span, field, minorVersion: head.minorVersion)
    case .connection: try connection.take(span, field.value, inRequest: true)
    case .te: takeTE(span, field.value)
    case .upgrade: takeUpgrade(span, field.value)
    case .expect:
      if head.minorVersion == 1, span.matches(field.value, "100-continue") {
        head.expectsContinue = true
      }
    default: break
    }
  }

  private mutating func takeTE(_ span: Span<UInt8>, _ value: ByteRange) {
    var position = value.start
    while let coding = span.element(&position, value.end) {
      if span.matches(coding, "trailers") { head.takesTrailers = true }
    }
  }

  private mutating func takeUpgrade(_ span: Span<UInt8>, _ value: ByteRange) {
    var position = value.start
    while let name = span.element(&position, value.end) {
      hasUpgrade = true
      if span.matches(name, "h2c") || span.matches(name, "h2")
        || (name.count >= 5 && span.begins(name.start, "http/"))
      {
        upgradesHTTP = true
      }
    }
  }

  private mutating func finish(_ span: Span<UInt8>, _ end: Int) throws(MessageFault) {
    head.length = end
    head.framing = body.framing
    head.closes = connection.closes || head.minorVersion == 0
    head.upgrade =
      hasUpgrade && connection.upgrades && !upgradesHTTP && head.minorVersion == 1
      && !body.framing.hasBody
    if head.host == nil, head.minorVersion == 1 { throw .malformed(.hostMissing) }
    if case .absolute(let authority, _) = head.form {
      guard let host = head.host, span.same(host, authority) else {
        throw .malformed(.hostMismatch)
      }
    }
    connection.mark(&head.fields, span)
  }
}
