import Inspection
import TunnelCore

/// All that a running tunnel needs, checked and complete.
package struct AgentSettings: Sendable {
  package enum IfTaken: String, CaseIterable, Sendable { case standby, replace, fail }

  package let relay: RelayAddress
  package let way: WayOut
  package let authtoken: Authtoken
  /// For the error that a refused token becomes.
  package let authtokenSource: SettingSource
  package let domain: DomainWish
  package let upstream: UpstreamTarget
  package let endpointName: String?
  package let project: String?
  /// Nil for no limit.
  package let responseTimeout: Duration?
  /// As the relay is told of them.
  package let policies: [String]
  package let plainHTTP: Bool
  package let ifTaken: IfTaken
  /// Ends with 75 where it would else try again.
  package let exitOnDisconnect: Bool
  /// Nil for none.
  package let webAddress: WebAddress?
  package let folders: Folders
  package let output: OutputSettings
  package let install: ID
  /// Said at start, none of them stops a tunnel.
  package let warnings: [String]

  package init(_ merged: MergedSettings, _ install: InstallID) throws(UserError) {
    output = try OutputSettings(merged.request)
    guard let upstream = merged.upstream else {
      guard merged.choices.isEmpty else {
        throw CommandGrammar.usage(
          "the settings name several endpoints: \(merged.choices.joined(separator: ", "))",
          fix: "choose one with --name, or say the port: `tunnel 3000`")
      }
      throw CommandGrammar.usage(
        "where is the app? no port was given", fix: "`tunnel 3000`, or --port, or TUNNEL_PORT")
    }
    self.upstream = upstream.value
    let token = try merged.requireAuthtoken()
    authtoken = token.value
    authtokenSource = token.source
    relay = merged.relay.value
    way = merged.way
    domain = merged.domain.value
    endpointName = merged.endpoint?.value
    project = merged.project?.value
    responseTimeout = try merged.request.last("--response-timeout")?
      .read { text throws(ValueFault) in try AgentSettings.seconds(text) }.value
    ifTaken = try merged.request.last("--if-taken")?.oneOf() ?? .replace
    policies = try merged.policies.lines(for: upstream.value)
    plainHTTP = merged.request.isOn("--plain-http")
    exitOnDisconnect = merged.request.isOn("--exit-on-disconnect")
    webAddress = try WebAddress.chosen(merged.request)
    folders = merged.folders
    self.install = install.id
    warnings =
      merged.warnings + merged.policies.warnings + [install.warning].compactMap(\.self)
  }

  /// What a log of this endpoint's is called.
  var logName: String {
    if case .tcp(let wish) = domain {
      let kept = wish.label.map { $0.isLetter || $0.isNumber || ".-_".contains($0) ? $0 : "-" }
      return "tcp-" + String(kept)
    }
    return domain.description.isEmpty ? "tunnel" : domain.description
  }

  private static func seconds(_ text: String) throws(ValueFault) -> Duration {
    guard let seconds = Double(text), seconds >= 0.001, seconds <= 86_400 else {
      throw ValueFault("`\(text)` is no time: seconds, 0.001 to 86400")
    }
    return .milliseconds(Int64((seconds * 1000).rounded()))
  }
}

extension MergedSettings {
  /// The authtoken, or 77 `authtoken-missing` with the way to one.
  package func requireAuthtoken() throws(UserError) -> Sourced<Authtoken> {
    if let authtoken { return authtoken }
    if case .preset = relay.source {
      throw UserError(
        code: "authtoken-missing", message: "neither a relay nor an authtoken is set",
        fix: "`tunnel login RELAY-URL`, or start a relay on this machine with `relay serve`",
        exit: .authentication)
    }
    throw UserError(
      code: "authtoken-missing", message: "no authtoken is set for \(relay.value)",
      fix: "`tunnel login \(relay.value)`, or set TUNNEL_AUTHTOKEN", exit: .authentication)
  }
}
