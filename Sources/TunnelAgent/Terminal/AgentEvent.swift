import TunnelCore

/// What a person or a script at the terminal learns from a running agent.
package enum AgentEvent: Sendable {
  /// The relay has confirmed the route; said once, a later return is `online`.
  case ready(url: String, upstream: String, domain: String)
  case request(RequestReport)
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

/// One exchange, once its answer has ended. Bytes are as they were on the wire.
package struct RequestReport: Sendable {
  package var id: ID
  /// When the request came, milliseconds since 1970.
  package var unixMilliseconds: UInt64
  package var method: [UInt8]
  /// The request target; a query in it is never shown.
  package var path: [UInt8]
  package var status: Int
  /// The app's own reason phrase; may be empty.
  package var reason: [UInt8]
  /// From the request's head to the end of the answer.
  package var milliseconds: UInt64
  /// The refusal's code, if the app did not answer.
  package var code: String?

  package init(
    id: ID, unixMilliseconds: UInt64, method: [UInt8], path: [UInt8], status: Int,
    reason: [UInt8], milliseconds: UInt64, code: String? = nil
  ) {
    self.id = id
    self.unixMilliseconds = unixMilliseconds
    self.method = method
    self.path = path
    self.status = status
    self.reason = reason
    self.milliseconds = milliseconds
    self.code = code
  }

  /// The path without its query, which may hold secrets.
  var pathAlone: ArraySlice<UInt8> {
    path.prefix { $0 != UInt8(ascii: "?") }
  }
}
