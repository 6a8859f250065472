/// An event as one JSON object for a script. Keys may be added, never renamed.
enum EventJSON {
  static func of(_ event: AgentEvent) -> JSONText {
    var object = JSONText()
    switch event {
    case .request(let report):
      return RequestLine.json(report)
    case .ready(let url, let upstream, let domain):
      object.add("event", "ready")
      object.add("url", url)
      object.add("upstream", upstream)
      object.add("domain", domain)
    case .reconnecting(let reason, let retry):
      object.add("event", "reconnecting")
      object.add("reason", reason)
      object.add("retry_ms", retry)
    case .online:
      object.add("event", "online")
    case .standby(let owner, let since):
      object.add("event", "standby")
      object.add("served_by", owner)
      object.add("since", ClockText.utc(since))
    case .replaced(let newer):
      object.add("event", "replaced")
      object.add("by", newer)
    case .claimed(let domain):
      object.add("event", "claimed")
      object.add("domain", domain)
    case .warning(let message):
      object.add("event", "warning")
      object.add("message", message)
    case .error(let code, let message, let fix):
      object.add("event", "error")
      object.add("code", code)
      object.add("message", message)
      if let fix { object.add("fix", fix) } else { object.addNull("fix") }
    }
    return object
  }
}
