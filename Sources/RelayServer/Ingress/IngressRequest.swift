import HTTPMessage
import NIOCore
import SessionLink
import TunnelCore

/// The public peer of a connection.
struct ClientAddress {
  let text: String
  /// What the head edit adds for this client.
  let forwarded: Forwarded

  init(_ address: SocketAddress?) {
    text = address?.ipAddress ?? "unknown"
    forwarded = Forwarded(client: Array(text.utf8), proto: Array("http".utf8))
  }
}

/// A whole, valid head and what the connection knows about who sent it.
struct IngressRequest {
  let head: RequestHead
  /// Begins with the head's first byte.
  let bytes: ByteBuffer
  let peer: ClientAddress
  /// Wall clock in milliseconds since 1970.
  let receivedAt: UInt64

  func text(_ range: ByteRange) -> String { bytes.text(range) }

  /// The target's path, without its query.
  var path: String {
    switch head.form {
    case .asterisk: return "*"
    case .origin: return path(in: head.target)
    case .absolute(_, let range): return range.isEmpty ? "/" : path(in: range)
    }
  }

  private func path(in range: ByteRange) -> String {
    let all = text(range)
    guard let query = all.utf8.firstIndex(of: UInt8(ascii: "?")) else { return all }
    return query == all.startIndex ? "/" : String(all[..<query])
  }

  /// The value of the first field of that kind.
  func value(_ kind: FieldName) -> String? {
    head.fields.first { $0.kind == kind }.map { text($0.value) }
  }

  /// The values of all fields with that lower-case name.
  func values(named name: String) -> [String] {
    head.fields.filter { text($0.name).lowercased() == name }.map { text($0.value) }
  }

  /// The value of the first field with that lower-case name.
  func value(named name: String) -> String? {
    head.fields.first { text($0.name).lowercased() == name }.map { text($0.value) }
  }
}
