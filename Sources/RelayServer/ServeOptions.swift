import TunnelCore

/// What the flags of `relay serve` said. What they left out (nil, empty) is for `relay.yml` and
/// the defaults to say.
package struct ServeOptions: Sendable, Equatable {
  /// Nil: a first run, `localhost` on 127.0.0.1:8080 with the account `dev`.
  package var domain: DomainName?
  package var listen: ListenAddress?
  package var data: String?
  package var config: String?
  /// What agents and visitors use from outside: `https://tunnel.example.com`.
  package var publicURL: String?
  package var plainHTTP: Bool
  /// Empty: what the file says.
  package var tls: [CertificateFiles]
  /// Where visitors without TLS are sent on to it; nil is what the file says.
  package var redirect: ListenAddress?
  package var behindProxy: Bool
  package var trustedProxies: [AddressBlock]
  package var tcpPorts: TCPOffer?
  package var json: Bool

  package init(
    domain: DomainName? = nil, listen: ListenAddress? = nil, data: String? = nil,
    config: String? = nil, publicURL: String? = nil, plainHTTP: Bool = false,
    tls: [CertificateFiles] = [], redirect: ListenAddress? = nil,
    behindProxy: Bool = false, trustedProxies: [AddressBlock] = [],
    tcpPorts: TCPOffer? = nil, json: Bool = false
  ) {
    self.domain = domain
    self.listen = listen
    self.data = data
    self.config = config
    self.publicURL = publicURL
    self.plainHTTP = plainHTTP
    self.tls = tls
    self.redirect = redirect
    self.behindProxy = behindProxy
    self.trustedProxies = trustedProxies
    self.tcpPorts = tcpPorts
    self.json = json
  }
}

/// Where the relay listens: an IP address or a name, and a port; port 0 takes a free one.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  /// Without the brackets of an IPv6 literal.
  package let host: String
  package let port: Int

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `127.0.0.1:8080`, `[::]:443`, `:443` (all addresses) and `8080` (this machine only).
  package init?(_ text: String) {
    if let port = UInt16(text) {
      (host, self.port) = ("127.0.0.1", Int(port))
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    let host = text[..<colon]
    self.port = Int(port)
    if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
      self.host = String(host.dropFirst().dropLast())
    } else {
      guard !host.contains(":"), !host.contains("["), !host.contains("]") else { return nil }
      self.host = host.isEmpty ? "::" : String(host)
    }
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
