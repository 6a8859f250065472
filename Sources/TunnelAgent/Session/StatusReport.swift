import FoundationEssentials
import TunnelCore

/// An agent's status as `GET /api/status` says it and `tunnel status --json` prints it (product.md,
/// section 7). Times are RFC 3339.
package struct StatusReport: Codable, Sendable, Equatable {
  package struct Endpoint: Codable, Sendable, Equatable {
    package var domain: String?
    package var url: String?
    package var upstream: String?
    package var state: AgentStatus.State
    package var servedBy: String?
    package var since: String?

    private enum CodingKeys: String, CodingKey {
      case domain, url, upstream, state, since
      case servedBy = "served_by"
    }
  }

  package var state: AgentStatus.State
  package var pid: Int32
  package var webAddress: String
  package var relay: String
  package var endpoints: [Endpoint]
  package var reason: String?
  package var retryMilliseconds: Int64?

  private enum CodingKeys: String, CodingKey {
    case state, pid, relay, endpoints, reason
    case webAddress = "web_addr"
    case retryMilliseconds = "retry_ms"
  }

  /// What the body of an answer says; nil if it is no report.
  init?(_ body: [UInt8]) {
    guard let report = try? JSONDecoder().decode(StatusReport.self, from: Data(body)) else {
      return nil
    }
    self = report
  }

  init(_ status: AgentStatus, pid: Int32, webAddress: String, at moment: Moment) {
    state = status.state
    self.pid = pid
    self.webAddress = webAddress
    relay = status.relay
    endpoints = status.endpoints.map { endpoint in
      Endpoint(
        domain: endpoint.domain, url: endpoint.url, upstream: endpoint.upstream,
        state: endpoint.state, servedBy: endpoint.servedBy, since: ClockText.utc(endpoint.since))
    }
    reason = status.reason
    retryMilliseconds = status.wait(at: moment).map { $0.nanoseconds / 1_000_000 }
  }

  /// An agent that runs but gives no answer: what its file says.
  init(silent file: PortFile.Content) {
    state = .reconnecting
    pid = file.pid
    webAddress = file.webAddress
    relay = ""
    endpoints = file.domains.map { Endpoint(domain: $0, state: .reconnecting) }
    reason = "the agent does not answer"
  }

  package var json: JSONText { .object(members) }

  /// With more keys at the end.
  func json(and more: (key: String, value: JSONText)...) -> JSONText { .object(members + more) }

  private var members: [(key: String, value: JSONText)] {
    [
      ("state", .string(state.rawValue)), ("pid", JSONText(pid)),
      ("web_addr", .string(webAddress)), ("relay", .string(relay)),
      ("endpoints", .array(endpoints.map(\.json))), ("reason", JSONText(reason)),
      ("retry_ms", retryMilliseconds.map { JSONText($0) } ?? .null),
    ]
  }
}

extension StatusReport.Endpoint {
  fileprivate var json: JSONText {
    .object([
      ("domain", JSONText(domain)), ("url", JSONText(url)), ("upstream", JSONText(upstream)),
      ("state", .string(state.rawValue)), ("served_by", JSONText(servedBy)),
      ("since", JSONText(since)),
    ])
  }
}
