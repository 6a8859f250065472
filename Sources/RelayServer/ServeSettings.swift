import TunnelCore

/// What `relay serve` does, checked: flags over `relay.yml` over defaults (product.md, section 4).
package struct ServeSettings: Sendable {
  package let base: DomainName
  package let listen: ListenAddress
  package let dataDirectory: String
  /// How the outside writes this relay's address; nil is what it listens on.
  package let publicURL: String?
  /// Chosen by the name that a visitor asks for, else the first. None: plain HTTP.
  package let tls: [CertificateFiles]
  /// Where visitors without TLS are sent on to it.
  package let redirect: ListenAddress?
  /// Plain HTTP was asked for; with a certificate the listener speaks both.
  package let takesPlainHTTP: Bool
  /// A proxy on this machine, or another trusted one, speaks for the clients.
  package let isBehindProxy: Bool
  package let proxies: TrustedProxies
  /// Without a domain: a relay for one person, with an account `dev` that it makes by itself.
  package let isFirstRun: Bool
  let limits: IngressLimits
  /// Nil: no ports for TCP endpoints.
  package let tcpPorts: TCPOffer?
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
    tls = options.tls.isEmpty ? file.tls : options.tls
    redirect = options.redirect ?? file.redirect
    takesPlainHTTP = options.plainHTTP
    isBehindProxy = options.behindProxy || file.behindProxy
    proxies = TrustedProxies(
      (isBehindProxy ? TrustedProxies.loopback : [])
        + (options.trustedProxies.isEmpty ? file.trustedProxies : options.trustedProxies))
    limits = file.limits
    json = options.json
    tcpPorts = try (options.tcpPorts ?? file.tcpPorts)?.settled(
      beside: address, isBehindProxy: isBehindProxy)
    guard address.isLoopback || !tls.isEmpty || isBehindProxy || takesPlainHTTP else {
      throw UserError(
        code: "tls-required",
        message: "\(address) can be reached from outside, and there is no certificate",
        fix: "give it one with --tls-cert and --tls-key, or put a proxy that speaks TLS in front "
          + "and say --behind-proxy",
        exit: .configuration)
    }
    if let redirect, tls.isEmpty {
      throw UserError(
        code: "redirect-unusable",
        message: "\(redirect) would send visitors to https, which nothing speaks here",
        fix: "give a certificate with --tls-cert and --tls-key, or leave out --redirect-listen",
        exit: .configuration)
    }
  }

  /// What the listener speaks.
  var scheme: String { tls.isEmpty ? "http" : "https" }

  /// The keys whose values differ, and that count for as long as the process runs.
  func fixedKeys(against other: ServeSettings) -> [String] {
    var keys: [String] = []
    func note(_ key: String, _ isSame: Bool) { if !isSame { keys.append(key) } }
    note("domain", base == other.base)
    note("listen", listen == other.listen)
    note("data", dataDirectory == other.dataDirectory)
    note("public_url", publicURL == other.publicURL)
    note("tls", tls.isEmpty == other.tls.isEmpty)
    note("redirect_listen", redirect == other.redirect)
    note("behind_proxy", isBehindProxy == other.isBehindProxy)
    note("trusted_proxies", isBehindProxy != other.isBehindProxy || proxies == other.proxies)
    note("limits.agent_wait_ms", limits.agentWait == other.limits.agentWait)
    note("limits.drain_ms", limits.drain == other.limits.drain)
    return keys
  }

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
