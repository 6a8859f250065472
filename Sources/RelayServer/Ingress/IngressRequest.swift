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

  /// Where the target's path stands, without its query; empty where none was written.
  var path: Range<Int> {
    let range =
      switch head.form {
      case .asterisk, .origin: head.target.range
      case .absolute(_, let path): path.range
      }
    return bytes.withUnsafeReadableBytes { bytes in
      let query = bytes[range].firstIndex(of: UInt8(ascii: "?"))
      return range.lowerBound..<(query ?? range.upperBound)
    }
  }

  func isFor(_ path: StaticString) -> Bool {
    bytes.withUnsafeReadableBytes { bytes in
      bytes[self.path].elementsEqual(
        UnsafeBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount))
    }
  }

  /// The value of the first field of that kind.
  func value(_ kind: FieldName) -> String? {
    head.fields.first { $0.kind == kind }.map { text($0.value) }
  }

  /// The value of the first field with that lower-case name.
  func value(named name: String) -> String? {
    head.fields.first { text($0.name).lowercased() == name }.map { text($0.value) }
  }
}
