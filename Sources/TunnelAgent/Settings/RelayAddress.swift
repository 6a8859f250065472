import TunnelCore

/// A relay's address: `https://tunnel.example.com`. A name without a scheme means https.
///
/// Plain http shows the authtoken to everybody on the way, so it is taken only for this machine,
/// or if a person says so: `relay-plain-http` otherwise.
package struct RelayAddress: Sendable, Hashable, CustomStringConvertible {
  package enum Scheme: String, Sendable { case http, https }

  package let scheme: Scheme
  /// Lower case; an IPv6 literal keeps its brackets.
  package let host: String
  package let port: Int

  package init(_ text: String, plainHTTP: Bool = false) throws(ValueFault) {
    let parts = try Authority(text)
    guard let scheme = Scheme(rawValue: parts.scheme ?? "https") else {
      throw ValueFault("`\(text)` is no relay: https://NAME")
    }
    guard parts.path.isEmpty else {
      throw ValueFault("a relay's address has no path: `\(text)`")
    }
    guard scheme == .https || plainHTTP || parts.isLoopback else {
      throw ValueFault(
        "\(text) would send the authtoken unencrypted",
        fix: "use https, or --plain-http if you trust every machine on the way",
        code: "relay-plain-http")
    }
    self.scheme = scheme
    host = parts.host
    port = parts.port ?? (scheme == .https ? 443 : 80)
  }

  /// As an argument of a command; a fault is exit 2.
  package static func typed(_ text: String, plainHTTP: Bool) throws(UserError) -> RelayAddress {
    try Sourced(text, .flag("RELAY-URL")).read { text throws(ValueFault) in
      try RelayAddress(text, plainHTTP: plainHTTP)
    }.value
  }

  private init(scheme: Scheme, host: String, port: Int) {
    self.scheme = scheme
    self.host = host
    self.port = port
  }

  /// Where a relay of this user listens after its first start.
  package static let local = RelayAddress(scheme: .http, host: "127.0.0.1", port: 8080)

  package var description: String { "\(scheme)://\(authority)" }

  /// What a Host field says: the port only where it is not the scheme's own.
  package var authority: String {
    port == (scheme == .https ? 443 : 80) ? host : "\(host):\(port)"
  }

  /// The relay can only be on this machine.
  var isLoopback: Bool { (try? Authority(host))?.isLoopback ?? false }

  /// The host as a resolver takes it, without brackets.
  package var dialHost: String {
    host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
  }
}
