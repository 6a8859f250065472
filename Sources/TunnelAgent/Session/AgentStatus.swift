import TunnelCore

/// How an agent is at this moment, made from what it says as it happens. Moments are passed in.
package struct AgentStatus: Sendable, Equatable {
  package enum State: String, Codable, Sendable { case online, reconnecting, standby }

  /// A public address that the agent serves, or would.
  package struct Endpoint: Sendable, Equatable {
    /// The whole name once the relay has said it, before that what was asked for.
    var domain: String?
    var url: String?
    let upstream: String
    var state = State.reconnecting
    /// While another install's agent serves it: whose.
    var servedBy: String?
    /// Since when it is so, in milliseconds since 1970; in standby, since when the other serves.
    var since: UInt64
  }

  let relay: String
  private(set) var endpoints: [Endpoint]
  /// Why there is no session.
  private(set) var reason: String?
  private(set) var nextTry: Moment?

  package init(relay: String, domain: String?, upstream: String, since: UInt64) {
    self.relay = relay
    endpoints = [Endpoint(domain: domain, upstream: upstream, since: since)]
    reason = "connecting"
  }

  /// One word for all endpoints: whatever is worst.
  package var state: State {
    if reason != nil { return .reconnecting }
    return endpoints.contains { $0.state == .standby } ? .standby : .online
  }

  /// The public names, as far as they are known.
  package var domains: [String] { endpoints.compactMap { $0.url == nil ? nil : $0.domain } }

  /// Takes in what happened at `moment`, which the wall clock calls `time` (milliseconds since
  /// 1970). Says whether it was about the session or an endpoint at all.
  package mutating func heed(_ event: AgentEvent, at moment: Moment, time: UInt64) -> Bool {
    switch event {
    case .ready(let url, _, let domain):
      endpoints[0].url = url
      endpoints[0].domain = domain
      settle(.online, servedBy: nil, since: time)
    case .online: settle(.online, servedBy: nil, since: time)
    case .standby(let owner, let since): settle(.standby, servedBy: owner, since: since)
    case .reconnecting(let why, let retryMilliseconds):
      reason = why
      nextTry = moment + .milliseconds(Int64(clamping: min(retryMilliseconds, 1 << 40)))
      for index in endpoints.indices where endpoints[index].state != .reconnecting {
        endpoints[index].state = .reconnecting
        endpoints[index].servedBy = nil
        endpoints[index].since = time
      }
    case .replaced, .error: return true
    case .request, .connection, .claimed, .warning: return false
    }
    return true
  }

  private mutating func settle(_ state: State, servedBy owner: String?, since: UInt64) {
    reason = nil
    nextTry = nil
    endpoints[0].state = state
    endpoints[0].servedBy = owner
    endpoints[0].since = since
  }

  /// How long until the next try to reach the relay; nil unless it is being waited for.
  package func wait(at moment: Moment) -> Duration? {
    nextTry.map { max(.zero, $0 - moment) }
  }
}
