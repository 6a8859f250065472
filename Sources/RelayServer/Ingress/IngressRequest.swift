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
  /// By ALPN.
  let speaksHTTP2: Bool
  /// The name that the TLS handshake was for.
  private let serverName: DomainName?
  /// What the head edit adds for this client.
  let forwarded: Forwarded

  /// `facts` is what TLS knows; nil without it.
  init(_ peer: SocketAddress?, _ facts: TLSFacts?, trusting all: TrustedProxies) {
    isSecure = facts != nil
    speaksHTTP2 = facts?.negotiated == ServerCertificate.http2
    serverName = facts?.serverName
    let address = peer?.ipAddress.flatMap { IPAddress($0) }
    text = address?.description ?? "unknown"
    self.address = address
    proxies = address.map(all.contains) == true ? all : nil
    forwarded = Forwarded(
      client: Array(text.utf8), proto: Array((isSecure ? "https" : "http").utf8),
      keepProto: proxies != nil)
  }
}

extension ClientAddress {
  /// The name that this connection was opened for, if it is for no other one: a request for `name`
  /// would be misdirected (RFC 9110, section 15.5.20).
  ///
  /// A client of HTTP/1.1 may come by the relay's own name, as a person does who tries a domain
  /// out; under HTTP/2 it would be a browser that takes two hosts for one. A proxy comes by
  /// whatever name it knows.
  func other(than name: DomainName, base: DomainName) -> DomainName? {
    guard let serverName, serverName != name, proxies == nil else { return nil }
    return speaksHTTP2 || serverName != base ? serverName : nil
  }

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
