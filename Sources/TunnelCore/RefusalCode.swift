/// Every reason for which the relay itself answers an exchange; the raw value is what stands in
/// `Tunnel-Error` and in the problem body (product.md, section 5).
package enum RefusalCode: String, CaseIterable, Sendable {
  case unknownDomain = "unknown-domain"
  case agentOffline = "agent-offline"
  case upstreamRefused = "upstream-refused"
  case upstreamInvalid = "upstream-invalid"
  case upstreamTimeout = "upstream-timeout"
  case sessionLost = "session-lost"
  case overloaded = "overloaded"
  case badRequest = "bad-request"
  case requestTimeout = "request-timeout"
  case uriTooLong = "uri-too-long"
  case misdirected = "misdirected"
  case headerTooLarge = "header-too-large"
  case policyBasicAuth = "policy-basic-auth"
  case policyCIDR = "policy-cidr"
  case policyRateLimit = "policy-rate-limit"
  case policyWebhook = "policy-webhook"
  case inboxUnavailable = "inbox-unavailable"

  /// The HTTP status of the answer.
  package var status: Int {
    switch self {
    case .badRequest: 400
    case .policyBasicAuth: 401
    case .policyCIDR, .policyWebhook: 403
    case .unknownDomain: 404
    case .requestTimeout: 408
    case .uriTooLong: 414
    case .misdirected: 421
    case .policyRateLimit: 429
    case .headerTooLarge: 431
    case .upstreamRefused, .upstreamInvalid, .sessionLost: 502
    case .agentOffline, .overloaded, .inboxUnavailable: 503
    case .upstreamTimeout: 504
    }
  }

  /// One short line without a final dot, the same for every exchange.
  package var title: String {
    switch self {
    case .unknownDomain: "No tunnel has this name"
    case .agentOffline: "The tunnel is offline"
    case .upstreamRefused: "The app is not running"
    case .upstreamInvalid: "The app's answer is not valid HTTP"
    case .upstreamTimeout: "The app took too long"
    case .sessionLost: "The tunnel was lost on the way"
    case .overloaded: "Too many requests at once"
    case .badRequest: "The request is not valid HTTP"
    case .requestTimeout: "The request came too slowly"
    case .uriTooLong: "The request's target is too long"
    case .misdirected: "This connection is not for that host"
    case .headerTooLarge: "The request's header is too large"
    case .policyBasicAuth: "A user name and a password are needed"
    case .policyCIDR: "This address is not let in"
    case .policyRateLimit: "Too many requests"
    case .policyWebhook: "The webhook's signature does not hold"
    case .inboxUnavailable: "The webhook could not be stored"
    }
  }

  /// Seconds for `Retry-After`, unless the refusal knows better; nil: the answer has none.
  package var retryAfter: Int? {
    switch self {
    case .agentOffline: 5
    case .overloaded, .policyRateLimit: 1
    case .inboxUnavailable: 10
    default: nil
    }
  }
}
