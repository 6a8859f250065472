import TunnelCore

/// The domain and the app as the command line or the environment say them. Spellings that agree
/// are one; two that differ are a `usage` fault.
struct TunnelChoice {
  private let request: TunnelRequest
  private let environment: [String: String]

  init(_ request: TunnelRequest, _ places: SettingsPlaces) {
    self.request = request
    environment = places.environment
  }

  func domain() throws(UserError) -> Sourced<DomainWish>? {
    var chosen: Sourced<DomainWish>?
    for given in request.flags where TunnelFlag.domains.contains(given.name) {
      let text = Sourced(given.value, .flag(given.name))
      let wish = try text.read { text throws(ValueFault) in
        given.name == "--subdomain" ? try DomainWish.onlyLabel(text) : try DomainWish(text)
      }
      if let first = chosen, first.value != wish.value {
        throw two("domains", "\(first.value)", "\(wish.value)")
      }
      chosen = chosen ?? wish
    }
    if let chosen { return chosen }
    return try environment.setting("TUNNEL_DOMAIN")?.read(DomainWish.init(_:))
  }

  func upstream(isTCP: Bool = false) throws(UserError) -> Sourced<UpstreamTarget>? {
    var chosen: Sourced<UpstreamTarget>?
    var open: Sourced<UpstreamTarget>?
    for word in request.targets {
      let read = try Sourced(word, .flag("TARGET")).read { text throws(ValueFault) in
        if isTCP { return (target: try UpstreamTarget.tcp(text), saidPort: true) }
        return try UpstreamTarget.read(text)
      }
      let target = Sourced(read.value.target, read.source)
      if let first = chosen ?? open, first.value != target.value {
        throw two("targets", "\(first.value)", "\(target.value)")
      }
      if read.value.saidPort { chosen = target } else { open = target }
    }
    for given in request.values("--port") {
      let port = try Sourced(given.value, .flag("--port")).read(UpstreamTarget.port)
      let host = (chosen ?? open)?.value.host ?? "localhost"
      let said = UpstreamTarget(host: host, port: port.value, isTCP: isTCP)
      let target = Sourced(said, port.source)
      if let first = chosen, first.value != target.value {
        throw two("targets", "\(first.value)", "\(target.value)")
      }
      chosen = target
    }
    if let chosen = chosen ?? open { return chosen }
    return try environment.setting("TUNNEL_PORT")?.read { text throws(ValueFault) in
      UpstreamTarget(port: try UpstreamTarget.port(text), isTCP: isTCP)
    }
  }

  private func two(_ what: String, _ first: String, _ second: String) -> UserError {
    CommandGrammar.usage("two \(what): \(first) and \(second)", fix: "say one of them")
  }
}

extension [String: String] {
  /// A variable's value, where an empty one counts as unset.
  func setting(_ name: String) -> Sourced<String>? {
    guard let value = self[name], !value.isEmpty else { return nil }
    return Sourced(value, .environment(name))
  }
}
