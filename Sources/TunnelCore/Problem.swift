/// A "no" over HTTP, as it goes out (RFC 9457): a refusal on the relay's public side, or what an
/// agent's handshake or a call of an API, the relay's or the agent's, got instead of a yes.
package struct Problem: Sendable {
  package let code: String
  package var status: Int
  package let title: String
  package let detail: String
  package var fix: String?
  package var retryAfter: Int?
  /// The same request may well succeed in a moment, so a page should look again.
  package var mayPass = false

  package init(_ refusal: Refusal) {
    code = refusal.code.rawValue
    status = refusal.code.status
    title = refusal.code.title
    detail = refusal.detail
    retryAfter = refusal.retryAfter
    switch refusal.code {
    case .agentOffline, .upstreamRefused, .sessionLost, .overloaded: mayPass = true
    default: break
    }
  }

  package init(_ error: UserError) {
    let entry = ErrorCatalogue.entry(error.code)
    code = error.code
    status = entry?.status ?? Self.status(error.exit)
    title = entry?.title ?? error.code
    detail = error.message
    fix = error.fix
  }

  private static func status(_ exit: ExitCode) -> Int {
    switch exit {
    case .authentication: 401
    case .taken: 409
    case .usage, .configuration: 400
    default: 500
    }
  }

  package func json(instance: ID?) -> String {
    var members: [(key: String, value: JSONText)] = [
      ("type", .string("about:blank")), ("title", .string(title)),
      ("status", .number(Int64(status))), ("code", .string(code)), ("detail", .string(detail)),
    ]
    if let fix { members.append(("fix", .string(fix))) }
    if let instance { members.append(("instance", .string("urn:uuid:\(instance)"))) }
    return JSONText.object(members).line + "\n"
  }

  /// The reason phrase of RFC 9110, section 15.
  package var reason: String {
    switch status {
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 414: "URI Too Long"
    case 421: "Misdirected Request"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    default: "Internal Server Error"
    }
  }
}
