import TunnelCore

/// What a person or a script at the terminal learns from a running agent.
package enum AgentEvent: Sendable {
  /// The relay has confirmed the route; said once, a later return is `online`.
  case ready(url: String, upstream: String, domain: String)
  case request(RequestReport)
  /// A connection to a TCP endpoint is over.
  case connection(ConnectionReport)
  case reconnecting(reason: String, retryMilliseconds: UInt64)
  case online
  /// Another install serves the domain; `since` in milliseconds since 1970.
  case standby(owner: String, since: UInt64)
  case replaced(by: String)
  /// A free subdomain became the account's.
  case claimed(domain: String)
  case warning(String)
  case error(code: String, message: String, fix: String?)

  package static func error(_ error: UserError) -> AgentEvent {
    .error(code: error.code, message: error.message, fix: error.fix)
  }
}
