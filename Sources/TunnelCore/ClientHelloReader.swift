/// Finds the ClientHello at the beginning of a connection, whatever records it is cut into
/// (RFC 8446, section 5.1). Resumable at any byte: a record is looked at once.
///
/// The caller keeps the bytes, shows all of them at every call, and passes them on untouched to
/// whoever speaks TLS. Throws `ClientHelloFault`; then it is of no further use.
package struct ClientHelloReader: Sendable {
  /// In bytes, with the frames of its records.
  package static let limit = 16 << 10
  private static let recordHeader = 5
  private static let messageHeader = 4

  /// Where the next record begins.
  private var next = 0
  /// Bytes of the message in the records before that.
  private var found = 0
  /// The message's length with its header, once that was read.
  private var wanted: Int?

  package init() {}

  /// The hello, or nil while bytes of it are missing.
  package mutating func read(_ span: Span<UInt8>) throws(ClientHelloFault) -> ClientHello? {
    while let length = try record(span) {
      next = next &+ Self.recordHeader &+ length  // bounded: at most `limit`
      found = found &+ length  // bounded: below `next`
      if wanted == nil, found >= Self.messageHeader { wanted = try header(span) }
      guard let wanted, found >= wanted else { continue }
      // Nothing may stand behind it in its record: the keys change.
      guard found == wanted else { throw .malformed }
      return try ClientHello(message: Array(message(span).dropFirst(Self.messageHeader)))
    }
    return nil
  }

  /// The length of the record that begins at `next`; nil while it is not whole.
  private func record(_ span: Span<UInt8>) throws(ClientHelloFault) -> Int? {
    let count = span.count &- next  // bounded: only whole records were passed
    guard count > 0 else { return nil }
    // The first bytes say who does not speak TLS: 22 is a handshake, 3 begins every version.
    guard span[next] == 22, count < 2 || span[next &+ 1] == 3 else { throw .notTLS }
    guard count >= Self.recordHeader else { return nil }
    let length = Int(span[next &+ 3]) << 8 | Int(span[next &+ 4])  // bounded: `count`
    // An empty fragment is no part of a handshake.
    guard length > 0 else { throw .malformed }
    let whole = Self.recordHeader &+ length  // bounded: two bytes
    guard whole <= Self.limit &- next else { throw .tooLong }  // bounded: `next` is at most `limit`
    return count >= whole ? length : nil
  }

  /// The message's length with its header of type and length, which records may cut, too.
  private func header(_ span: Span<UInt8>) throws(ClientHelloFault) -> Int {
    var header = TLSCursor(message(span, Self.messageHeader))
    // 1 is client_hello; no other message comes first.
    guard try header.number(1) == 1 else { throw .notTLS }
    let length = try header.number(3)
    guard length <= Self.limit else { throw .tooLong }
    return Self.messageHeader &+ length  // bounded: the line above
  }

  /// The first bytes of the message, without the frames of the whole records before `next`.
  private func message(_ span: Span<UInt8>, _ most: Int = .max) -> [UInt8] {
    var bytes: [UInt8] = []
    var record = 0
    while record < next, bytes.count < most {
      let length = Int(span[record &+ 3]) << 8 | Int(span[record &+ 4])  // bounded: a whole record
      let start = record &+ Self.recordHeader  // bounded: a whole record
      // bounded: a whole record
      for index in start..<(start &+ length) where bytes.count < most { bytes.append(span[index]) }
      record = start &+ length  // bounded: a whole record
    }
    return bytes
  }
}
