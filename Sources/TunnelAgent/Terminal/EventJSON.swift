import TunnelCore

/// An event as one JSON object for a script. Keys may be added, never renamed.
enum EventJSON {
  static func of(_ event: AgentEvent) -> JSONText {
    switch event {
    case .request(let report):
      RequestLines.json(report)
    case .connection(let report):
      report.json
    case .ready(let url, let upstream, let domain):
      .object([
        ("event", "ready"), ("url", .string(url)), ("upstream", .string(upstream)),
        ("domain", .string(domain)),
      ])
    case .reconnecting(let reason, let retry):
      .object([
        ("event", "reconnecting"), ("reason", .string(reason)), ("retry_ms", JSONText(retry)),
      ])
    case .online:
      .object([("event", "online")])
    case .standby(let owner, let since):
      .object([
        ("event", "standby"), ("served_by", .string(owner)),
        ("since", .string(ClockText.utc(since))),
      ])
    case .replaced(let newer):
      .object([("event", "replaced"), ("by", .string(newer))])
    case .claimed(let domain):
      .object([("event", "claimed"), ("domain", .string(domain))])
    case .warning(let message):
      .object([("event", "warning"), ("message", .string(message))])
    case .error(let code, let message, let fix):
      .object([
        ("event", "error"), ("code", .string(code)), ("message", .string(message)),
        ("fix", JSONText(fix)),
      ])
    }
  }
}
