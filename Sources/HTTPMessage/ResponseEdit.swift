/// The few changes to a response's head on its way back (RFC 9110 section 7.6.1); all other bytes
/// pass as the app sent them, X-Forwarded-* included.
///
/// - Gone: Connection and what it names, Keep-Alive, Proxy-Connection, Proxy-Authenticate,
///   Proxy-Authorization, TE, Upgrade, and Tunnel-*, which only the relay itself may say.
/// - A 101 keeps Upgrade, and its first Connection line becomes `Connection: Upgrade`.
/// - What `HeadEdits` says, if there are any, but not of an interim head.
/// - `Connection: close` is added on demand, never to an interim head or a 101.
/// - Transfer-Encoding and Trailer go with the frame of a body that is passed on without it.
package enum ResponseEdit {
  /// Bytes that the edited head has at most.
  package static func bound(_ head: ResponseHead, _ edits: HeadEdits? = nil) -> Int {
    // bounded: a head is below 2^32, and the others are words
    head.length &+ additions &+ (edits?.most ?? 0)
  }

  /// Every constant piece that `write` can add, with room to spare.
  private static let additions = 64

  /// Writes the edited head and returns its length. `source` begins with the bytes that `head` was
  /// scanned from; `memory` has at least `bound` bytes.
  package static func write(
    _ head: ResponseHead, _ source: Span<UInt8>, close: Bool, unchunked: Bool = false,
    _ edits: HeadEdits? = nil, into memory: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(head.length >= 2 && head.length <= source.count)
    let switching = head.status == 101
    let edits = switching || head.status >= 200 ? edits : nil
    var writer = HeadWriter(memory)
    var run = 0
    var wroteConnection = false
    let last = head.length &- 2  // bounded: the line above
    for index in head.fields.indices {
      let field = head.fields[index]
      if !isDropped(field, switching: switching), !(unchunked && isOfChunks(field)) {
        guard let edits, edits.removes(field.name, source) else { continue }
      }
      writer.copy(source, run, field.name.start)
      // bounded: below the count of fields
      run = index &+ 1 < head.fields.count ? head.fields[index &+ 1].name.start : last
      if field.kind == .connection, switching, !wroteConnection {
        writer.put("Connection: Upgrade\r\n")
        wroteConnection = true
      }
    }
    writer.copy(source, run, last)
    if let edits { writer.put(edits.added) }
    if close, head.status >= 200 { writer.put("Connection: close\r\n") }
    writer.put("\r\n")
    return writer.length
  }

  private static func isOfChunks(_ field: Field) -> Bool {
    field.kind == .transferEncoding || field.kind == .trailer
  }

  @inline(__always)
  private static func isDropped(_ field: Field, switching: Bool) -> Bool {
    switch field.kind {
    case .contentLength, .transferEncoding: false
    case .upgrade: !switching
    case .connection, .keepAlive, .te, .tunnel: true
    case .proxyConnection, .proxyAuthenticate, .proxyAuthorization: true
    case .other, .accept, .host, .expect, .trailer: field.named
    case .xForwardedFor, .xForwardedProto, .xForwardedHost: field.named
    }
  }
}
