/// How a message's body is delimited (RFC 9112 section 6.3).
package enum BodyFraming: Equatable, Sendable {
  /// No body and no field that announces one.
  case none
  /// Content-Length, in bytes.
  case length(UInt64)
  case chunked
  /// The connection's end is the body's end. Responses only.
  case untilClose

  /// True if at least one byte may follow the head.
  package var hasBody: Bool {
    switch self {
    case .none, .length(0): false
    case .length, .chunked, .untilClose: true
    }
  }
}

/// What the fields of one head say about its body, taken line by line as they are met.
///
/// Stricter than RFC 9112 section 6.3 where that leaves a choice: two Content-Length lines are
/// refused even if equal, as is a list, and the only transfer coding is `chunked`, once.
struct FramingFields: Sendable {
  private(set) var framing = BodyFraming.none

  mutating func takeLength(_ span: Span<UInt8>, _ field: Field) throws(MessageFault) {
    let value = field.value
    switch framing {
    case .none: break
    case .chunked: throw .malformed(.lengthAndCoding)
    case .length, .untilClose: throw .malformed(.lengthTwice)
    }
    // Int64's largest value has 19 digits.
    guard (1...19).contains(value.count) else { throw .malformed(.length) }
    var number: UInt64 = 0
    for index in value.range {
      let digit = span[index] &- 0x30
      guard digit < 10 else { throw .malformed(.length) }
      number = number &* 10 &+ UInt64(digit)
    }
    guard number <= UInt64(Int64.max) else { throw .malformed(.length) }
    try Self.demandNoTab(span, field)
    framing = .length(number)
  }

  mutating func takeCoding(
    _ span: Span<UInt8>, _ field: Field, minorVersion: Int
  ) throws(MessageFault) {
    switch framing {
    case .none: break
    case .chunked: throw .malformed(.codingTwice)
    case .length, .untilClose: throw .malformed(.lengthAndCoding)
    }
    guard minorVersion == 1 else { throw .malformed(.codingVersion) }
    guard span.matches(field.value, "chunked") else { throw .malformed(.coding) }
    try Self.demandNoTab(span, field)
    framing = .chunked
  }

  /// A tab beside a value is a blank (RFC 9110 section 5.6.3), but not to all readers, and the line
  /// passes as it is: who does not see `chunked` in it would look for the body's end elsewhere.
  private static func demandNoTab(_ span: Span<UInt8>, _ field: Field) throws(MessageFault) {
    var index = field.name.end &+ 1  // bounded: the colon stands there
    while index < span.count, span[index] != Byte.carriageReturn {
      if span[index] == Byte.tab { throw .malformed(.framingTab) }
      index &+= 1
    }
  }
}
