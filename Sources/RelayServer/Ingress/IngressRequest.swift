import HTTPMessage
import NIOCore
import SessionLink
import TunnelCore

/// The public peer of a connection. A class, for each of its requests carries it along.
final class ClientAddress {
  /// IPv4 as such, also on a listener of both.
  let text: String
  private let address: IPAddress?
  /// Set if the peer is one of them: its word about the client counts.
  private let proxies: TrustedProxies?
  /// It speaks TLS to this relay.
  let isSecure: Bool
  /// What the head edit adds for this client.
  let forwarded: Forwarded

  init(_ peer: SocketAddress?, isSecure: Bool, trusting all: TrustedProxies) {
    let address = peer?.ipAddress.flatMap { IPAddress($0) }
    text = address?.description ?? "unknown"
    self.address = address
    self.isSecure = isSecure
    proxies = address.map(all.contains) == true ? all : nil
    forwarded = Forwarded(
      client: Array(text.utf8), proto: Array((isSecure ? "https" : "http").utf8),
      keepProto: proxies != nil)
  }
}

extension ClientAddress {
  /// Who asked, for the log and the agent: behind a trusted proxy the one that it speaks for.
  func client(_ request: IngressRequest) -> String {
    guard proxies != nil else { return text }
    return clientAddress(request)?.description ?? text
  }

  func clientAddress(_ request: IngressRequest) -> IPAddress? {
    guard let proxies, let address else { return address }
    return proxies.client(of: address, forwarded: request.values(.xForwardedFor))
  }

  /// Whether the client speaks TLS. As the head's edit does it, the last proper word of a trusted
  /// proxy counts.
  func isSecure(_ request: IngressRequest) -> Bool {
    guard proxies != nil else { return isSecure }
    let words = request.values(.xForwardedProto).map { $0.lowercased() }
    return words.last { $0 == "http" || $0 == "https" }.map { $0 == "https" } ?? isSecure
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

  /// The values of all fields of that kind.
  func values(_ kind: FieldName) -> [String] {
    head.fields.filter { $0.kind == kind }.map { text($0.value) }
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
