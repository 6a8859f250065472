/// The request line (RFC 9112 section 3), resumable at any byte.
///
/// One CRLF before it is skipped (section 2.2). A target is visible ASCII without `#`; an absolute
/// one has the scheme http or https, no user information and the authority that Host names.
struct RequestLine: Sendable {
  private var start = 0
  private var position = 0
  private var firstSpace = -1
  private var secondSpace = -1

  /// The line's words go into `head`; returns the offset behind its CRLF, nil if more is needed.
  @inline(__always)
  mutating func scan(
    _ span: Span<UInt8>, _ limits: HeadLimits, _ head: inout RequestHead
  ) throws(MessageFault) -> Int? {
    let count = span.count
    while position < count {
      let last = start &+ limits.line
      let limit = min(count, last &+ 1)
      position = ByteRun.visible(span, from: position, to: limit)
      if firstSpace < 0, position &- start > HeadLimits.method { throw .malformed(.method) }
      guard position < limit else {
        if position <= last { return nil }
        throw .uriTooLong
      }
      switch span[position] {
      case Byte.space:
        try takeSpace(span, &head)
        position &+= 1
      case Byte.hash where firstSpace < 0: position &+= 1
      case Byte.hash: throw .malformed(.target)
      case Byte.carriageReturn:
        guard position &+ 1 < count else { return nil }
        guard span[position &+ 1] == Byte.lineFeed else { throw .malformed(.lineEnd) }
        position &+= 2
        if position &- 2 > start { return try finish(span, &head) }
        guard start == 0 else { throw .malformed(.leading) }
        start = 2
        head.leading = 2
      case Byte.lineFeed: throw .malformed(.lineEnd)
      default: throw .malformed(.controlByte)
      }
    }
    return nil
  }

  @inline(__always)
  private mutating func takeSpace(
    _ span: Span<UInt8>, _ head: inout RequestHead
  ) throws(MessageFault) {
    if firstSpace < 0 {
      firstSpace = position
      head.methodRange = ByteRange(start, position)
      head.method = try method(span)
    } else if secondSpace < 0 {
      guard position > firstSpace &+ 1 else { throw .malformed(.requestLine) }
      secondSpace = position
    } else {
      throw .malformed(.requestLine)
    }
  }

  @inline(__always)
  private func finish(
    _ span: Span<UInt8>, _ head: inout RequestHead
  ) throws(MessageFault) -> Int {
    guard secondSpace >= 0 else { throw .malformed(.requestLine) }
    guard let minor = Version.minor(span, secondSpace &+ 1, position &- 2) else {
      throw .malformed(.version)
    }
    head.minorVersion = minor
    head.target = ByteRange(firstSpace &+ 1, secondSpace)
    head.form = try form(span, head)
    return position
  }

  private func method(_ span: Span<UInt8>) throws(MessageFault) -> Method {
    let count = position &- start
    // Case matters in a method (RFC 9110 section 9.1), so whole words are compared.
    if count == 3 || count == 4 {
      let word = UInt32(
        littleEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self))
      switch word {
      case 0x2054_4547: return .get  // "GET "
      case 0x2054_5550: return .put  // "PUT "
      case 0x5453_4f50: return .post  // "POST"
      case 0x4441_4548: return .head  // "HEAD"
      default: break
      }
    }
    var underscore = false
    let end = ByteRun.token(span, from: start, to: position, underscore: &underscore)
    guard count > 0, end == position else { throw .malformed(.method) }
    if isWord(span, "PATCH") { return .patch }
    if isWord(span, "DELETE") { return .delete }
    if isWord(span, "OPTIONS") { return .options }
    if isWord(span, "CONNECT") { throw .malformed(.connectMethod) }
    // RFC 9113 section 11.6: no client sends it, and some readers wait for HTTP/2 behind it.
    if isWord(span, "PRI") { throw .malformed(.reservedMethod) }
    return .other
  }

  private func isWord(_ span: Span<UInt8>, _ text: StaticString) -> Bool {
    // bounded: `start` is before it
    guard position &- start == text.utf8CodeUnitCount else { return false }
    for offset in 0..<text.utf8CodeUnitCount
    where span[start &+ offset] != text.utf8Start[offset] {  // bounded: inside the word
      return false
    }
    return true
  }

  @inline(__always)
  private func form(
    _ span: Span<UInt8>, _ head: RequestHead
  ) throws(MessageFault) -> TargetForm {
    let target = head.target
    switch span[target.start] {
    case Byte.slash: return .origin
    case Byte.asterisk where target.count == 1 && head.method == .options: return .asterisk
    default: return try absolute(span, target)
    }
  }

  private func absolute(
    _ span: Span<UInt8>, _ target: ByteRange
  ) throws(MessageFault) -> TargetForm {
    let scheme: Int
    if target.count > 7, span.begins(target.start, "http://") {
      scheme = 7
    } else if target.count > 8, span.begins(target.start, "https://") {
      scheme = 8
    } else {
      throw .malformed(.target)
    }
    let start = target.start &+ scheme  // bounded: the target is longer than its scheme
    var end = start
    // bounded: below the target's end
    while end < target.end, span[end] != Byte.slash, span[end] != Byte.question { end &+= 1 }
    let authority = ByteRange(start, end)
    // User information has an `@`, which no host holds.
    guard HostField.isValid(span, authority) else { throw .malformed(.target) }
    return .absolute(authority: authority, path: ByteRange(end, target.end))
  }
}

/// The protocol version's eight bytes, case-sensitive (RFC 9112 section 2.3).
enum Version {
  /// 1 or 0, or nil for whatever else stands there.
  @inline(__always)
  static func minor(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    guard end &- start == 8 else { return nil }
    let word = UInt64(
      littleEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
    switch word {
    case 0x312e_312f_5054_5448: return 1  // "HTTP/1.1"
    case 0x302e_312f_5054_5448: return 0  // "HTTP/1.0"
    default: return nil
    }
  }
}
