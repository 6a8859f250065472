extension ErrorCatalogue {
  /// What can be wrong with TLS and with a proxy on the agent's way to the relay.
  static let wayEntries: [ErrorEntry] = tls + proxy

  private static let tls: [ErrorEntry] = [
    ErrorEntry(
      "tls-unknown-issuer", "Nobody here trusts who issued the certificate", exit: .unavailable,
      meaning: """
        The certificate is signed by an authority that is not in the system's store: a company's \
        own, a proxy that opens TLS, an incomplete chain on the relay, or somebody in the way.
        """,
      fix: "if you trust the issuer, give its certificate with `--ca FILE` or SSL_CERT_FILE"),
    ErrorEntry(
      "tls-self-signed", "The certificate is signed by itself", exit: .unavailable,
      meaning: "Nobody but the certificate itself says whom it belongs to.",
      fix: "if it is your relay's, give that certificate with `--ca FILE` or SSL_CERT_FILE"),
    ErrorEntry(
      "tls-wrong-name", "The certificate is for another name", exit: .unavailable,
      meaning: "It is trusted, but the address that was dialed is not among its names.",
      fix: "use a name that the certificate has, or get one for this name"),
    ErrorEntry(
      "tls-expired", "The certificate has expired", exit: .unavailable,
      meaning: "It was not renewed in time, or this machine's clock is wrong.",
      fix: "renew it on the relay; check this machine's clock with `date`"),
    ErrorEntry(
      "tls-not-yet-valid", "The certificate is not valid yet", exit: .unavailable,
      meaning: "Most often this machine's clock is late: a battery ran empty, a machine slept.",
      fix: "check this machine's clock with `date`"),
    ErrorEntry(
      "tls-plain-http", "Plain http answers on an https port", exit: .unavailable,
      meaning: "The address says https, and what listens there does not speak TLS.",
      fix: "check the port; `--plain-http` allows http:// on a network of your own"),
    ErrorEntry(
      "tls-handshake", "The TLS handshake failed", exit: .unavailable,
      meaning: "Something else listens there, a firewall ended it, or TLS 1.2 is not spoken.",
      fix: "check the port, and what stands in front of the relay"),
    ErrorEntry(
      "ca-file", "The certificates to trust cannot be used", exit: .configuration,
      meaning: "A file that --ca, `agent.ca` or SSL_CERT_FILE names is missing or holds no PEM.",
      fix: "give a file with certificates in PEM form: -----BEGIN CERTIFICATE-----"),
  ]

  private static let proxy: [ErrorEntry] = [
    ErrorEntry(
      "proxy-unreachable", "The proxy cannot be reached", exit: .unavailable,
      meaning: "The settings send the agent through a proxy, and no connection to it came about.",
      fix: "check the proxy with `tunnel config show`; `--proxy direct` goes without one"),
    ErrorEntry(
      "proxy-unknown", "The proxy's name is not known", exit: .unavailable,
      meaning: "The name in the setting has no address: it is mistyped, or of another network.",
      fix: "check the proxy with `tunnel config show`; `--proxy direct` goes without one"),
    ErrorEntry(
      "proxy-authentication", "The proxy wants other credentials", exit: .unavailable,
      meaning: "It answered 407: no user name and password were sent, or the wrong ones.",
      fix: "set http://USER:PASSWORD@HOST:PORT, with characters like @ as %40; Basic only"),
    ErrorEntry(
      "proxy-refused", "The proxy does not let the agent through", exit: .unavailable,
      meaning: "It answered CONNECT with a no: by a rule, or because it could not reach the relay.",
      fix: "ask whoever runs the proxy; NO_PROXY or `--proxy direct` go without one"),
    ErrorEntry(
      "proxy-answer", "What answered is no proxy", exit: .unavailable,
      meaning: "The address in the setting takes connections, and does not answer to CONNECT.",
      fix: "check the proxy's address and port with `tunnel config show`"),
  ]
}
