/// What a TLS client says first (RFC 8446, section 4.1.2; the older versions' is the same), as far
/// as it matters for the choice of a certificate.
package struct ClientHello: Sendable, Equatable {
  /// SNI (RFC 6066, section 3); nil where none was sent, or one that no domain can have.
  package let serverName: DomainName?
  /// ALPN (RFC 7301), in the client's order.
  package let protocols: [String]
  /// `supported_versions` (RFC 8446, section 4.2.1); empty from clients before TLS 1.3.
  package let versions: [UInt16]

  package init(serverName: DomainName?, protocols: [String] = [], versions: [UInt16] = []) {
    self.serverName = serverName
    self.protocols = protocols
    self.versions = versions
  }

  /// `message` is the whole handshake message without its four bytes of type and length. As strict
  /// as the TLS library behind it: what one takes for a name, the other does.
  init(message: [UInt8]) throws(ClientHelloFault) {
    var body = TLSCursor(message)
    _ = try body.piece(Self.versionAndRandom)
    guard try body.vector(1).count <= Self.longestSession else { throw .malformed }
    let suites = try body.vector(2)
    guard suites.count >= 2, suites.count % 2 == 0 else { throw .malformed }
    guard try body.vector(1).count >= 1 else { throw .malformed }
    var found = Extensions()
    if !body.isEmpty {
      var extensions = try body.vector(2)
      guard body.isEmpty else { throw .malformed }
      while !extensions.isEmpty {
        let kind = try extensions.number(2)
        try found.take(kind, extensions.vector(2))
      }
    }
    self.init(
      serverName: found.serverName ?? nil, protocols: found.protocols ?? [],
      versions: found.versions ?? [])
  }

  private static let versionAndRandom = 34
  private static let longestSession = 32

  private struct Extensions {
    var serverName: DomainName??
    var protocols: [String]?
    var versions: [UInt16]?

    /// The numbers are those of IANA's registry of ExtensionType values.
    mutating func take(_ kind: Int, _ bytes: TLSCursor) throws(ClientHelloFault) {
      switch kind {
      case 0:
        guard serverName == nil else { throw .malformed }
        serverName = .some(try Self.name(bytes))
      case 16:
        guard protocols == nil else { throw .malformed }
        protocols = try Self.protocols(bytes)
      case 43:
        guard versions == nil else { throw .malformed }
        versions = try Self.versions(bytes)
      default: break
      }
    }

    /// One name of the only kind there is; a list of more was never used.
    private static func name(_ bytes: TLSCursor) throws(ClientHelloFault) -> DomainName? {
      var bytes = bytes
      var list = try bytes.vector(2)
      guard bytes.isEmpty, try list.number(1) == 0 else { throw .malformed }
      let host = try list.vector(2)
      guard list.isEmpty, !host.isEmpty else { throw .malformed }
      return DomainName(host: Array(host.rest).span)
    }

    private static func protocols(_ bytes: TLSCursor) throws(ClientHelloFault) -> [String] {
      var bytes = bytes
      var list = try bytes.vector(2)
      guard bytes.isEmpty, !list.isEmpty else { throw .malformed }
      var all: [String] = []
      while !list.isEmpty {
        let one = try list.vector(1)
        guard !one.isEmpty else { throw .malformed }
        all.append(String(decoding: one.rest, as: UTF8.self))
      }
      return all
    }

    private static func versions(_ bytes: TLSCursor) throws(ClientHelloFault) -> [UInt16] {
      var bytes = bytes
      var list = try bytes.vector(1)
      guard bytes.isEmpty, !list.isEmpty else { throw .malformed }
      var all: [UInt16] = []
      while !list.isEmpty { all.append(UInt16(truncatingIfNeeded: try list.number(2))) }
      return all
    }
  }
}

/// Why there is no ClientHello in what a client sent; the blame is the client's.
package enum ClientHelloFault: Error, Equatable, Sendable {
  /// The first bytes are no record of a TLS handshake.
  case notTLS
  /// It is TLS, and breaks the rules of a hello.
  case malformed
  /// The hello does not end within `ClientHelloReader.limit`.
  case tooLong

  /// The description of the alert that answers it (RFC 8446, section 6).
  package var alert: UInt8 {
    switch self {
    case .notTLS: 10
    case .malformed: 50
    case .tooLong: 22
    }
  }
}
