/// Why a relay could not be asked.
package enum DialFault: Error, Equatable, Sendable {
  /// No connection: refused, no route, name not found.
  case unreachable(String)
  /// No connection in time, or no TLS on it.
  case timedOut
  /// Everything stood, the question was sent, and no answer came in time.
  case silent
  /// The connection ended, or what came is no HTTP/1.1 answer.
  case broken(String)
  /// The relay's TLS.
  case tls(TLSFault)
  /// The proxy in between, not the relay.
  case proxy(ProxyFault)
}

/// Why a TLS connection did not come about. Names and dates are the certificate's own words.
package enum TLSFault: Error, Equatable, Sendable {
  /// Signed by somebody who is not in the store; who that is.
  case unknownIssuer(String)
  /// Signed by itself, and not in the store.
  case selfSigned(String)
  /// It is for other names: these.
  case wrongName([String])
  /// Since when.
  case expired(String)
  /// From when on it is valid.
  case notYetValid(String)
  /// The peer speaks plain HTTP on this port.
  case plainHTTP
  /// What the peer says is no TLS.
  case noTLS
  case broken(String)
}

/// Why a proxy did not bring the agent to the relay (RFC 9110, section 9.3.6).
package enum ProxyFault: Error, Equatable, Sendable {
  case unreachable(String)
  case unknownName
  case timedOut
  case tls(TLSFault)
  /// 407, or 401; whether credentials were sent.
  case authentication(sent: Bool)
  /// Any other status than 2xx, with the proxy's own reason phrase.
  case refused(status: Int, reason: String)
  /// What came is no answer to CONNECT.
  case strange(String)
  /// The connection ended before an answer.
  case closed
}
