/// The field names that the relay and the agent act on. All others are `other` and pass untouched.
package enum FieldName: UInt8, Sendable {
  case other
  case accept, host, expect, trailer
  case contentLength, transferEncoding
  case connection, keepAlive, te, upgrade
  case proxyConnection, proxyAuthenticate, proxyAuthorization
  case xForwardedFor, xForwardedProto, xForwardedHost
  /// Any name that begins with `Tunnel-`: ours alone, never taken from outside.
  case tunnel

  /// The name that stands in `range`, whose bytes are all token bytes.
  @inline(__always)
  init(_ span: Span<UInt8>, _ range: ByteRange) {
    self = .other
    let start = range.start
    switch range.count {
    case 2: if span.begins(start, "te") { self = .te }
    case 4: if span.begins(start, "host") { self = .host }
    case 6:
      if span.begins(start, "accept") { self = .accept }
      if span.begins(start, "expect") { self = .expect }
    case 7:
      if span.begins(start, "upgrade") { self = .upgrade }
      if span.begins(start, "trailer") { self = .trailer }
      if span.begins(start, "tunnel-") { self = .tunnel }
    case 8...: self = FieldName(long: span, range)
    default: break
    }
  }

  private init(long span: Span<UInt8>, _ range: ByteRange) {
    self = .other
    let start = range.start
    switch span[start] | 0x20 {
    case 0x63:  // c
      if span.matches(range, "content-length") { self = .contentLength }
      if span.matches(range, "connection") { self = .connection }
    case 0x6b:  // k
      if span.matches(range, "keep-alive") { self = .keepAlive }
    case 0x70:  // p
      if span.matches(range, "proxy-connection") { self = .proxyConnection }
      if span.matches(range, "proxy-authenticate") { self = .proxyAuthenticate }
      if span.matches(range, "proxy-authorization") { self = .proxyAuthorization }
    case 0x74:  // t
      if span.matches(range, "transfer-encoding") { self = .transferEncoding }
      if span.begins(start, "tunnel-") { self = .tunnel }
    case 0x78:  // x
      if span.matches(range, "x-forwarded-for") { self = .xForwardedFor }
      if span.matches(range, "x-forwarded-proto") { self = .xForwardedProto }
      if span.matches(range, "x-forwarded-host") { self = .xForwardedHost }
    default: break
    }
  }

  /// True if the name would be one of the names above with every `_` read as `-`.
  ///
  /// Many apps see both as one (CGI's HTTP_CONTENT_LENGTH), so such a field could smuggle what was
  /// checked or removed here. Cold: called only for names that hold a `_`.
  static func isAlias(_ span: Span<UInt8>, _ range: ByteRange) -> Bool {
    guard range.count <= 19 else { return folds(span, range, "tunnel-", prefix: true) }
    return folds(span, range, "content-length") || folds(span, range, "transfer-encoding")
      || folds(span, range, "keep-alive") || folds(span, range, "proxy-connection")
      || folds(span, range, "proxy-authenticate") || folds(span, range, "proxy-authorization")
      || folds(span, range, "x-forwarded-for") || folds(span, range, "x-forwarded-proto")
      || folds(span, range, "x-forwarded-host") || folds(span, range, "tunnel-", prefix: true)
  }

  private static func folds(
    _ span: Span<UInt8>, _ range: ByteRange, _ text: StaticString, prefix: Bool = false
  ) -> Bool {
    let count = text.utf8CodeUnitCount
    guard prefix ? range.count >= count : range.count == count else { return false }
    for offset in 0..<count {
      let byte = span[range.start &+ offset]  // bounded: inside the name
      guard (byte == 0x5f ? 0x2d : byte | 0x20) == text.utf8Start[offset] else { return false }
    }
    return true
  }
}
