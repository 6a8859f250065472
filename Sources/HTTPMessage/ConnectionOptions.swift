/// What the Connection fields of one head say (RFC 9110 section 7.6.1).
///
/// Names of fields to drop are kept as ranges, at most `HeadLimits.named`. A request that names a
/// field which frames it, routes it or is the relay's own is refused: dropping Host,
/// Content-Length, Transfer-Encoding, Expect, X-Forwarded-* or Tunnel-* on a stranger's word would
/// change what was checked. Authorization, Cookie and all others are dropped as the RFC asks.
/// A response may name Transfer-Encoding (large caches do); it stays, as it always does.
struct ConnectionOptions: Sendable {
  private(set) var closes = false
  private(set) var upgrades = false
  private var named: [ByteRange] = []

  mutating func reset() {
    closes = false
    upgrades = false
    named.removeAll(keepingCapacity: true)
  }

  mutating func take(
    _ span: Span<UInt8>, _ value: ByteRange, inRequest: Bool
  ) throws(MessageFault) {
    var position = value.start
    while let option = span.element(&position, value.end) {
      var underscore = false
      let end = ByteRun.token(
        span, from: option.start, to: option.end, underscore: &underscore)
      guard end == option.end else { throw .malformed(.connection) }
      switch FieldName(span, option) {
      case .upgrade: upgrades = true
      case .connection, .keepAlive, .te: break
      case .proxyConnection, .proxyAuthenticate, .proxyAuthorization: break
      case .contentLength: throw .malformed(.connectionNames)
      case .transferEncoding, .tunnel:
        if inRequest { throw .malformed(.connectionNames) }
      case .host, .expect, .xForwardedFor, .xForwardedProto, .xForwardedHost:
        if inRequest { throw .malformed(.connectionNames) }
        try name(option)
      case .other where span.matches(option, "close"): closes = true
      case .other, .accept, .trailer: try name(option)
      }
    }
  }

  private mutating func name(_ option: ByteRange) throws(MessageFault) {
    guard named.count < HeadLimits.named else { throw .malformed(.connection) }
    named.append(option)
  }

  /// Marks the fields that were named, once the head is whole.
  func mark(_ fields: inout [Field], _ span: Span<UInt8>) {
    guard !named.isEmpty else { return }
    for index in fields.indices {
      for option in named where span.same(fields[index].name, option) {
        fields[index].named = true
      }
    }
  }
}
