/// What a response must be read against: where its body ends depends on what was asked.
package struct RequestContext: Equatable, Sendable {
  package var isHead: Bool
  /// The request asked for an upgrade and that was passed on.
  package var upgrade: Bool
  package var minorVersion: Int

  package init(isHead: Bool = false, upgrade: Bool = false, minorVersion: Int = 1) {
    self.isHead = isHead
    self.upgrade = upgrade
    self.minorVersion = minorVersion
  }
}

extension RequestHead {
  /// What the answer to this request must be read against.
  package var context: RequestContext {
    RequestContext(isHead: method == .head, upgrade: upgrade, minorVersion: minorVersion)
  }
}

/// What a strict look at a response's head found. All ranges are offsets from its first byte.
///
/// It stays valid for the bytes it was scanned from until its scanner is reset.
package struct ResponseHead: Sendable {
  /// Bytes of the head, with the empty line at its end.
  package internal(set) var length = 0
  /// 100 to 999. RFC 9110 section 15 knows none above 599, but some apps do and nothing depends on
  /// it.
  package internal(set) var status = 0
  /// The reason phrase; may be empty.
  package internal(set) var reason = ByteRange.empty
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  package internal(set) var minorVersion = 1
  package internal(set) var fields: [Field] = []
  /// What the fields announce; what follows is `framing(for:)`.
  package internal(set) var announced = BodyFraming.none
  /// The sender will close: `Connection: close` or HTTP/1.0.
  package internal(set) var closes = false
  /// There is an Upgrade field and Connection names it.
  package internal(set) var upgrade = false

  /// How the body that follows is delimited (RFC 9112 section 6.3). Throws `malformed` where a
  /// response announces a body that cannot be.
  ///
  /// 304 and answers to HEAD may announce what a GET would have had. 1xx and 204 may not, but for
  /// `Content-Length: 0`, which is seen and harmless. A chunked answer to HTTP/1.0 comes of an app
  /// that did not look: whoever passes it on takes the frame away.
  package func framing(for request: RequestContext) throws(MessageFault) -> BodyFraming {
    // RFC 9110 section 15.2: HTTP/1.0 knows none, and some readers take it for the only head.
    if status < 200, minorVersion == 0 { throw .malformed(.interimVersion) }
    if status < 200 || status == 204 {
      switch announced {
      case .none, .length(0): return .none
      default: throw .malformed(.bodyForbidden)
      }
    }
    if request.isHead || status == 304 { return .none }
    return announced == .none ? .untilClose : announced
  }

  /// How long the sender will keep an idle connection, in seconds, if a Keep-Alive field says so
  /// (`timeout=5`, RFC 2068 section 19.7.1.1). The shortest one wins; what is no number of at most
  /// six digits says nothing.
  package func keepAliveSeconds(_ source: Span<UInt8>) -> Int? {
    var shortest: Int?
    for field in fields where field.kind == .keepAlive {
      var position = field.value.start
      while let parameter = source.element(&position, field.value.end) {
        guard (9...14).contains(parameter.count) else { continue }
        guard source.begins(parameter.start, "timeout=") else { continue }
        var seconds = 0
        var isNumber = true
        for index in (parameter.start &+ 8)..<parameter.end {  // bounded: it has 9 bytes or more
          let digit = source[index] &- 0x30
          isNumber = isNumber && digit < 10
          seconds = seconds &* 10 &+ Int(digit)  // bounded: at most six digits
        }
        if isNumber { shortest = min(shortest ?? seconds, seconds) }
      }
    }
    return shortest
  }

  /// Ready for the next message, with its memory kept.
  mutating func reset() {
    var kept = fields
    fields = []
    kept.removeAll(keepingCapacity: true)
    self = ResponseHead()
    fields = kept
  }
}
