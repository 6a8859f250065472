import TunnelCore

/// What the flags of `relay serve` said. What they left out (nil, empty) is for `relay.yml` and
/// the defaults to say.
struct ServeOptions: Sendable, Equatable {
  /// Nil: a first run, `localhost` on 127.0.0.1:8080 with the account `dev`.
  var domain: DomainName?
  var listen: ListenAddress?
  var data: String?
  var config: String?
  /// What agents and visitors use from outside: `https://tunnel.example.com`.
  var publicURL: String?
  var plainHTTP: Bool
  var behindProxy: Bool
  /// CIDR blocks, as they were given.
  var trustedProxies: [String]
  var json: Bool
}

/// Where the relay listens: an IP address or a name, and a port; port 0 takes a free one.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  /// Without the brackets of an IPv6 literal.
  let host: String
  let port: Int

  /// Reads `127.0.0.1:8080`, `[::]:443`, `:443` (all addresses) and `8080` (this machine only).
  init?(_ text: String) {
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

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
