import TunnelCore

/// Whether the way to the relay leads through a proxy. The upstream is never asked through one.
package enum ProxyRoute: Sendable, Equatable {
  case direct
  case proxy(ProxyAddress)

  /// `--proxy` wins over everything, `--proxy direct` means none. Of the environment `HTTPS_PROXY`
  /// is for https relays and `ALL_PROXY` for both schemes, in capitals first; `NO_PROXY` excepts
  /// relays from these. A plain relay on this machine is asked directly.
  static func to(
    _ relay: RelayAddress, flag: Sourced<String>?, environment: [String: String]
  ) throws(UserError) -> Sourced<ProxyRoute> {
    if let flag { return try flag.read(read) }
    if relay.scheme == .http && relay.isLoopback {
      return Sourced(.direct, .preset("a relay on this machine"))
    }
    let secure = relay.scheme == .https ? ["HTTPS_PROXY", "https_proxy"] : []
    let names = secure + ["ALL_PROXY", "all_proxy"]
    guard let found = names.lazy.compactMap(environment.setting).first else {
      return Sourced(.direct, .preset("no proxy is set"))
    }
    if let exceptions = environment.setting("NO_PROXY") ?? environment.setting("no_proxy"),
      NoProxy(exceptions.value).excepts(relay.dialHost, port: relay.port)
    {
      return Sourced(.direct, exceptions.source)
    }
    return try found.read(read)
  }

  private static func read(_ text: String) throws(ValueFault) -> ProxyRoute {
    text == "direct" ? .direct : .proxy(try ProxyAddress(text))
  }

  /// For `config show`.
  var shown: String {
    switch self {
    case .direct: "direct"
    case .proxy(let proxy): proxy.masked
    }
  }
}
