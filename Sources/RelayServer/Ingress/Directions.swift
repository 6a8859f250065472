import HTTPMessage
import NIOCore
import SessionLink
import TunnelCore

/// Where a request goes.
enum Destination {
  /// An agent wants to become a link.
  case connect
  /// The relay's own API and health.
  case relay
  case session(Endpoint, Link)
  /// A password has to be looked at first.
  case unproved(PasswordProof)
  /// Its agent was sent away by the relay itself and is about to come back.
  case awaited(Endpoint)
}

/// The sequence of refusals that every request meets. Read this first.
enum Directions {
  static func find(
    _ request: IngressRequest, for exchange: Exchange, _ relay: RelayCore
  ) throws(Refusal) -> Destination {
    guard let name = try domain(of: request, relay) else {
      return request.isFor(Handshake.path) ? .connect : .relay
    }
    guard let endpoint = relay.hub.endpoint(name) else { throw unknown(name) }
    if let proof = try policies(of: endpoint, request, exchange) { return .unproved(proof) }
    guard let link = endpoint.serving?.link else {
      if relay.hub.mayWait(for: endpoint) { return .awaited(endpoint) }
      throw offline(name)
    }
    return .session(endpoint, link)
  }

  /// The tenant's name that the request is for; nil is the relay itself.
  private static func domain(of request: IngressRequest, _ relay: RelayCore) throws(Refusal)
    -> DomainName?
  {
    guard let range = request.head.host,
      let target = HostTarget(host: request.bytes.readableBytesUInt8Span.extracting(range.range))
    else { throw Refusal(.badRequest, "The Host field names no valid host.") }
    switch target {
    case .address, .localhost: return nil
    case .name(let name):
      if name == relay.base { return nil }
      if let other = request.peer.other(than: name, base: relay.base) {
        throw Refusal(.misdirected, "This connection was opened for \(other), not for \(name).")
      }
      return name
    }
  }

  /// What the endpoint's owner says of its requests; it holds while no agent is there, too.
  private static func policies(
    of endpoint: Endpoint, _ request: IngressRequest, _ exchange: Exchange
  ) throws(Refusal) -> PasswordProof? {
    let before = exchange.gate
    exchange.gate = endpoint.gate
    guard let gate = endpoint.gate else { return nil }
    return try gate.admit(request, counted: before === gate, at: exchange.record.began)
  }

  private static func unknown(_ name: DomainName) -> Refusal {
    Refusal(.unknownDomain, "No account of this relay holds \(name).")
  }

  static func offline(_ name: DomainName) -> Refusal {
    Refusal(.agentOffline, "No agent serves \(name) now. Start it with: tunnel --domain \(name)")
  }
}
