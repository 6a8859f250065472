/// What the relay knows of where a request came from.
package struct Forwarded: Sendable {
  /// The peer's address as text, without a port.
  package var client: [UInt8]
  /// `http` or `https`: how the request reached the relay.
  package var proto: [UInt8]
  /// The peer is a trusted proxy: an X-Forwarded-Proto of `http` or `https` that it sent wins.
  package var keepProto: Bool

  package init(client: [UInt8], proto: [UInt8], keepProto: Bool = false) {
    self.client = client
    self.proto = proto
    self.keepProto = keepProto
  }
}

/// The few changes to a request's head on its way to the app (RFC 9110 section 7.6.1): an edit of
/// the bytes, not a rewrite. What is not named here arrives as it was sent, blanks and all.
///
/// - Leading CRLF goes; an absolute target becomes its path (`*` for OPTIONS without one).
/// - Gone: Connection and what it names, Keep-Alive, Proxy-Connection, Proxy-Authenticate,
///   Proxy-Authorization, X-Forwarded-For, -Proto, -Host, and Tunnel-*.
/// - The first TE line becomes `TE: trailers` if trailers were offered, all others go.
/// - An upgrade keeps its Upgrade lines, and its first Connection line becomes
///   `Connection: Upgrade`; without one Upgrade goes.
/// - Added at the end: X-Forwarded-For with the old values before the peer, X-Forwarded-Proto, and
///   X-Forwarded-Host if there is a Host, as it was sent.
/// - What `HeadEdits` says, if there are any: its lines stand before X-Forwarded-For.
package enum RequestEdit {
  /// Bytes that the edited head has at most. Old X-Forwarded-For values need less when joined than
  /// they did as lines, so they are counted by `head.length`.
  package static func bound(
    _ head: RequestHead, _ source: Span<UInt8>, _ forwarded: Forwarded,
    _ edits: HeadEdits? = nil
  ) -> Int {
    // bounded: a head is below 2^32, and the others are words
    head.length &+ forwarded.client.count &+ forwarded.proto.count &+ (head.host?.count ?? 0)
      &+ additions &+ (edits?.most ?? 0)  // bounded: the same
  }

  /// Every constant piece that `write` can add, with room to spare.
  private static let additions = 160

  /// Writes the edited head and returns its length. `source` begins with the bytes that `head` was
  /// scanned from; `memory` has at least `bound` bytes.
  package static func write(
    _ head: RequestHead, _ source: Span<UInt8>, _ forwarded: Forwarded,
    _ edits: HeadEdits? = nil, into memory: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(head.length >= 2 && head.length <= source.count)
    var writer = HeadWriter(memory)
    var run = target(head, source, &writer)
    var wroteConnection = false
    var wroteTE = false
    let last = head.length &- 2  // bounded: the line above
    for index in head.fields.indices {
      let field = head.fields[index]
      if !isDropped(field, head) {
        guard let edits else { continue }
        if field.kind == .host, let host = edits.host {
          writer.copy(source, run, field.value.start)
          writer.put(host)
          run = field.value.end
        }
        guard edits.removes(field.name, source) else { continue }
      }
      writer.copy(source, run, field.name.start)
      // bounded: below the count of fields
      run = index &+ 1 < head.fields.count ? head.fields[index &+ 1].name.start : last
      if field.kind == .connection, head.upgrade, !wroteConnection {
        writer.put("Connection: Upgrade\r\n")
        wroteConnection = true
      }
      if field.kind == .te, head.takesTrailers, !wroteTE {
        writer.put("TE: trailers\r\n")
        wroteTE = true
      }
    }
    writer.copy(source, run, last)
    if let edits { writer.put(edits.added) }
    add(head, source, forwarded, &writer)
    writer.put("\r\n")
    return writer.length
  }

  /// Writes a target that changes; returns where the untouched bytes go on.
  @inline(__always)
  private static func target(
    _ head: RequestHead, _ source: Span<UInt8>, _ writer: inout HeadWriter
  ) -> Int {
    guard case .absolute(_, let path) = head.form else { return head.leading }
    writer.copy(source, head.leading, head.target.start)
    if path.isEmpty, head.method == .options {
      writer.put("*")
    } else if path.isEmpty || source[path.start] == Byte.question {
      writer.put("/")
    }
    return path.start
  }

  @inline(__always)
  private static func isDropped(_ field: Field, _ head: RequestHead) -> Bool {
    switch field.kind {
    case .other, .accept, .trailer: field.named
    case .host, .contentLength, .transferEncoding, .expect: false
    case .upgrade: !head.upgrade
    case .connection, .keepAlive, .te: true
    case .proxyConnection, .proxyAuthenticate, .proxyAuthorization: true
    case .xForwardedFor, .xForwardedProto, .xForwardedHost, .tunnel: true
    }
  }

  private static func add(
    _ head: RequestHead, _ source: Span<UInt8>, _ forwarded: Forwarded,
    _ writer: inout HeadWriter
  ) {
    writer.put("X-Forwarded-For: ")
    var proto: ByteRange?
    for field in head.fields {
      if field.kind == .xForwardedFor, !field.value.isEmpty {
        writer.copy(source, field.value)
        writer.put(", ")
      }
      if field.kind == .xForwardedProto, forwarded.keepProto,
        source.matches(field.value, "http") || source.matches(field.value, "https")
      {
        proto = field.value
      }
    }
    writer.put(forwarded.client)
    writer.put("\r\nX-Forwarded-Proto: ")
    if let proto { writer.copy(source, proto) } else { writer.put(forwarded.proto) }
    if let host = head.host {
      writer.put("\r\nX-Forwarded-Host: ")
      writer.copy(source, host)
    }
    writer.put("\r\n")
  }
}
