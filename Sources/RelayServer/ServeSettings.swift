import TunnelCore

/// What `relay serve` does, checked: flags over `relay.yml` over defaults (product.md, section 4).
package struct ServeSettings: Sendable {
  package let base: DomainName
  package let listen: ListenAddress
  package let dataDirectory: String
  /// How the outside writes this relay's address; nil is what it listens on.
  package let publicURL: String?
  /// Nil: plain HTTP.
  package let tls: CertificateFiles?
  /// A proxy on this machine, or another trusted one, speaks for the clients.
  package let isBehindProxy: Bool
  package let proxies: TrustedProxies
  /// Without a domain: a relay for one person, with an account `dev` that it makes by itself.
  package let isFirstRun: Bool
  let limits: IngressLimits
  package let json: Bool

  /// `usualData` is the data directory where none was named, of a first run or not. Throws 78 for
  /// what cannot be served like that.
  package init(
    _ options: ServeOptions, usualData: (_ isFirstRun: Bool) -> String
  ) throws(UserError) {
    let file = try RelayFile(options.config)
    let domain = options.domain ?? file.domain
    isFirstRun = domain == nil
    base = if let domain { domain } else { try Self.localhost() }
    let usual = isFirstRun ? "127.0.0.1:8080" : "[::]:443"
    guard let address = options.listen ?? file.listen ?? ListenAddress(usual) else {
      throw UserError(code: "internal", message: "no address to listen on")
    }
    listen = address
    dataDirectory = options.data ?? file.data ?? usualData(isFirstRun)
    publicURL = options.publicURL ?? file.publicURL
    tls = options.tls ?? file.tls
    isBehindProxy = options.behindProxy || file.behindProxy
    proxies = TrustedProxies(
      (isBehindProxy ? TrustedProxies.loopback : [])
        + (options.trustedProxies.isEmpty ? file.trustedProxies : options.trustedProxies))
    limits = file.limits
    json = options.json
    guard address.isLoopback || tls != nil || isBehindProxy || options.plainHTTP else {
      throw UserError(
        code: "tls-required",
        message: "\(address) can be reached from outside, and there is no certificate",
        fix: "give it one with --tls-cert and --tls-key, or put a proxy that speaks TLS in front "
          + "and say --behind-proxy",
        exit: .configuration)
    }
  }

  /// What the listener speaks.
  var scheme: String { tls == nil ? "http" : "https" }

  private static func localhost() throws(UserError) -> DomainName {
    do {
      return try DomainName("localhost")
    } catch {
      throw UserError(code: "internal", message: "\(error)")
    }
  }
}

extension ListenAddress {
  var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
