import SessionLink
import TunnelCore

/// How this agent gets to its relay: through which proxy, believing whom, on which carrier.
package struct WayOut: Sendable {
  package let relay: RelayAddress
  package let proxy: Sourced<ProxyRoute>
  package let transport: Sourced<Transport>
  /// Files of certificates that are believed beside the system's.
  package let authorities: [Sourced<String>]
  private let additions: TrustStore.Additions

  /// `files`: whose `agent.ca` and `agent.transport` count, the first before the second. Throws
  /// 2 for a flag, 78 for the environment and files.
  init(
    _ relay: RelayAddress, _ request: TunnelRequest, _ places: SettingsPlaces,
    files: [FileSettings]
  ) throws(UserError) {
    self.relay = relay
    proxy = try ProxyRoute.to(
      relay, flag: request.last("--proxy"), environment: places.environment)
    let word = request.last("--transport") ?? files.lazy.compactMap(\.transport).first
    transport = try word?.read(Transport.named) ?? Sourced(.auto, .preset("the default"))
    var trust = AddedTrust()
    let flags = request.values("--ca").map { Sourced($0.value, .flag($0.name)) }
    for file in flags.isEmpty ? files.compactMap(\.ca).prefix(1) + [] : flags {
      try trust.add(file)
    }
    if relay.scheme == .https || proxy.value.isSecure { try trust.add(places.environment) }
    authorities = trust.files
    additions = trust.additions
  }

  /// For `tunnel login`: the relay is typed, and of the files only the user's own counts.
  package static func login(
    _ relay: RelayAddress, _ request: TunnelRequest, _ places: SettingsPlaces
  ) throws(UserError) -> WayOut {
    let path = Folders(environment: places.environment).userFile
    let user = try path.map(FileSettings.read) ?? nil
    return try WayOut(relay, request, places, files: user.map { [$0] } ?? [])
  }

  /// Throws 78 `ca-file` where this system knows no authority at all.
  package func dialer() throws(UserError) -> Dialer {
    var trust: TrustStore?
    if relay.scheme == .https || proxy.value.isSecure {
      do throws(TrustStore.Fault) {
        trust = try TrustStore(adding: additions)
      } catch {
        throw UserError(
          code: "ca-file", message: "this system has no certificates to trust anybody by",
          fix: "install its ca-certificates, or give the relay's authority with --ca FILE",
          exit: .configuration)
      }
    }
    var way: DialProxy?
    if case .proxy(let proxy) = proxy.value {
      way = DialProxy(
        host: proxy.dialHost, port: proxy.port, trust: proxy.scheme == .https ? trust : nil,
        authorization: proxy.authorization)
    }
    return Dialer(
      host: relay.dialHost, port: relay.port, trust: relay.scheme == .https ? trust : nil,
      proxy: way)
  }
}

extension ProxyRoute {
  /// The proxy itself is spoken to by TLS.
  fileprivate var isSecure: Bool {
    if case .proxy(let proxy) = self { proxy.scheme == .https } else { false }
  }
}

extension Transport {
  fileprivate static func named(_ text: String) throws(ValueFault) -> Transport {
    if let transport = Transport(rawValue: text) { return transport }
    throw ValueFault(
      "`\(text)` is none of \(allCases.map(\.rawValue).joined(separator: ", "))")
  }
}
