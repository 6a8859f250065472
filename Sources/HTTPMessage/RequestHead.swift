/// A request's method; those that have a meaning here, and `other` for any other token.
package enum Method: UInt8, Sendable {
  case get, head, post, put, delete, options, patch, other

  /// Sending it twice does what sending it once does (RFC 9110 section 9.2.2).
  package var isIdempotent: Bool {
    switch self {
    case .get, .head, .put, .delete, .options: true
    case .post, .patch, .other: false
    }
  }
}

/// The form of a request's target (RFC 9112 section 3.2). CONNECT's has no case: it is refused.
package enum TargetForm: Equatable, Sendable {
  case origin
  /// `http://authority/path`; the path may be empty or begin with `?`.
  case absolute(authority: ByteRange, path: ByteRange)
  case asterisk
}

/// What a strict look at a request's head found. All ranges are offsets from its first byte.
///
/// It stays valid for the bytes it was scanned from until its scanner is reset. Keeping a copy
/// costs the scanner a fresh array for the next message.
package struct RequestHead: Sendable {
  /// Bytes of the head, with the empty lines at both ends.
  package internal(set) var length = 0
  /// Bytes of the empty line that stood before the request line: 0 or 2.
  package internal(set) var leading = 0
  package internal(set) var method = Method.other
  package internal(set) var methodRange = ByteRange.empty
  package internal(set) var target = ByteRange.empty
  package internal(set) var form = TargetForm.origin
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  package internal(set) var minorVersion = 1
  /// The Host field's value; nil only in HTTP/1.0.
  package internal(set) var host: ByteRange?
  package internal(set) var fields: [Field] = []
  package internal(set) var framing = BodyFraming.none
  /// No other request may follow: `Connection: close`, or HTTP/1.0 (whose keep-alive is not done).
  package internal(set) var closes = false
  /// An upgrade is asked for and will be passed on. Only in HTTP/1.1, with `Connection: upgrade`,
  /// without a body, and for no form of HTTP/2; otherwise the Upgrade field is dropped and the
  /// request passes as a plain one.
  package internal(set) var upgrade = false
  /// `Expect: 100-continue` in HTTP/1.1; any other expectation passes untouched.
  package internal(set) var expectsContinue = false
  /// A TE field offers to take trailers: the one word of TE that is passed on.
  package internal(set) var takesTrailers = false

  /// An Accept field names `text/html`, as a browser's does; weights are not looked at.
  package func asksForHTML(_ source: Span<UInt8>) -> Bool {
    for field in fields where field.kind == .accept {
      var position = field.value.start
      while let type = source.element(&position, field.value.end) {
        if type.count >= 9, source.begins(type.start, "text/html") { return true }
      }
    }
    return false
  }

  /// Ready for the next message, with its memory kept.
  mutating func reset() {
    var kept = fields
    fields = []
    kept.removeAll(keepingCapacity: true)
    self = RequestHead()
    fields = kept
  }
}
