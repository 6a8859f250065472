import SessionLink
import TunnelCore

/// What a failed dial is called: cause and fix, each kind with a code of its own, all exit 69.
extension DialFault {
  func userError(_ way: WayOut) -> UserError {
    switch self {
    case .broken(let why):
      Self.error(
        "relay-answer", "\(way.relay) did not answer as a relay does: \(why)",
        "check the address, and what stands in front of the relay")
    case .unreachable(let why):
      Self.error(
        "relay-unreachable", "\(way.relay) cannot be reached: \(why.lowercased())",
        "check the address, and that the relay runs")
    case .timedOut, .silent:
      Self.error(
        "relay-unreachable", "\(way.relay) cannot be reached: no answer in time",
        "check the address, and that the relay runs")
    case .tls(let fault): fault.userError("\(way.relay)", isProxy: false)
    case .proxy(let fault): fault.userError(way)
    }
  }

  fileprivate static func error(_ code: String, _ message: String, _ fix: String) -> UserError {
    UserError(code: code, message: message, fix: fix, exit: .unavailable)
  }
}

extension TLSFault {
  /// `peer` is how the message begins: the relay's address, or the proxy.
  fileprivate func userError(_ peer: String, isProxy: Bool) -> UserError {
    let whose = isProxy ? "the proxy's" : "your relay's"
    switch self {
    case .unknownIssuer(let issuer):
      return DialFault.error(
        "tls-unknown-issuer",
        "\(peer): its certificate was issued by \(issuer), which is not trusted here",
        "if you trust that issuer, give its certificate with --ca FILE or SSL_CERT_FILE")
    case .selfSigned(let subject):
      return DialFault.error(
        "tls-self-signed", "\(peer): its certificate is signed by itself (\(subject))",
        "if it is \(whose), give that certificate with --ca FILE or SSL_CERT_FILE")
    case .wrongName(let names):
      let more = names.count > 5 ? " and \(names.count - 5) more" : ""
      let shown = names.prefix(5).joined(separator: ", ")
      return DialFault.error(
        "tls-wrong-name",
        "\(peer): its certificate is not for this name, but for "
          + (names.isEmpty ? "none at all" : shown + more),
        "use a name that the certificate has, or get one for this name")
    case .expired(let date):
      return DialFault.error(
        "tls-expired", "\(peer): its certificate expired at \(date)",
        "renew it there; if it is not that late yet, set this machine's clock")
    case .notYetValid(let date):
      return DialFault.error(
        "tls-not-yet-valid", "\(peer): its certificate is valid only from \(date) on",
        "if it is later than that, set this machine's clock")
    case .plainHTTP:
      return DialFault.error(
        "tls-plain-http", "\(peer) speaks plain http on this port, not https",
        isProxy
          ? "write the proxy's address with http://"
          : "check the port; an http:// relay on another machine needs --plain-http")
    case .noTLS:
      return DialFault.error(
        "tls-handshake", "\(peer): what answers on this port speaks no TLS",
        "check the port")
    case .broken(let why):
      return DialFault.error(
        "tls-handshake", "\(peer): the TLS handshake failed: \(why)",
        "check what stands in front of it, and that it speaks TLS 1.2 or newer")
    }
  }
}

extension ProxyFault {
  fileprivate func userError(_ way: WayOut) -> UserError {
    guard case .proxy(let address) = way.proxy.value else {
      return DialFault.broken("no proxy was asked").userError(way)
    }
    let proxy = "the proxy \(address) (\(way.proxy.source))"
    let without = "or go without one by --proxy direct"
    let target = "\(way.relay.host):\(way.relay.port)"
    switch self {
    case .unreachable(let why):
      return DialFault.error(
        "proxy-unreachable", "\(proxy) cannot be reached: \(why.lowercased())",
        "check its address and that it runs, \(without)")
    case .timedOut:
      return DialFault.error(
        "proxy-unreachable", "\(proxy) cannot be reached: no answer in time",
        "check its address and that it runs, \(without)")
    case .unknownName:
      return DialFault.error(
        "proxy-unknown", "\(proxy): the name \(address.host) is not known",
        "check its name, \(without)")
    case .tls(let fault): return fault.userError(proxy, isProxy: true)
    case .authentication(sent: false):
      return DialFault.error(
        "proxy-authentication", "\(proxy) asks for a user name and a password",
        "write them into the setting: \(address.scheme)://USER:PASSWORD@\(address.host):…")
    case .authentication(sent: true):
      return DialFault.error(
        "proxy-authentication", "\(proxy) does not accept the user name and password",
        "check them; in the setting, write characters like @ : / as %40 %3A %2F")
    case .refused(let status, let reason):
      return DialFault.error(
        "proxy-refused",
        "\(proxy) gives no way to \(target): \(status)" + (reason.isEmpty ? "" : " \(reason)"),
        "ask whoever runs it to allow CONNECT to \(target), \(without)")
    case .strange(let why):
      return DialFault.error(
        "proxy-answer", "\(proxy) did not answer as a proxy does: \(why)",
        "check its address, \(without)")
    case .closed:
      return DialFault.error(
        "proxy-answer", "\(proxy) closed the connection without an answer",
        "check its address and port, \(without)")
    }
  }
}
