import SettingsFile
import TunnelCore

/// What one `tunnel.yml` says, in ngrok's version 3 shape:
///
///     version: 3
///     project: shop
///     agent: {relay: https://tunnel.example.com, authtoken: tun_…, ca: FILE, transport: auto}
///     endpoints:
///       - name: app
///         url: https://mine.example
///         upstream: {url: 3000}
///         basic_auth: [ann:secret-words]
///         cidr_allow: [203.0.113.0/24]
///         rate_limit: 10/s
///         request_headers: {add: ["X-Env: dev"], remove: [Cookie]}
///         response_headers: {remove: [Server]}
///         host_header: rewrite
struct FileSettings: Sendable {
  struct Endpoint: Sendable {
    var name: Sourced<String>?
    var url: Sourced<String>?
    var upstream: Sourced<String>?
    var policies: [PolicyWord: [Sourced<String>]] = [:]
  }

  let path: String
  var relay: Sourced<String>?
  var authtoken: Sourced<String>?
  /// A path that is relative begins at the file's own folder.
  var ca: Sourced<String>?
  var transport: Sourced<String>?
  var project: Sourced<String>?
  var endpoints: [Endpoint] = []
  /// Keys of the contract that this version reads and does not act on.
  var warnings: [String] = []

  /// Nil if there is no such file.
  static func read(_ path: String) throws(UserError) -> FileSettings? {
    guard let root = try SettingsFile.read(path) else { return nil }
    return try FileSettings(root)
  }

  init(_ root: SettingsNode) throws(UserError) {
    path = root.file
    try root.refuseUnknown(["version", "project", "name", "agent", "endpoints"])
    if let version = try root.node("version"), try version.asInt() != 3 {
      throw version.fault("`version` must be 3", fix: "`version: 3`, or leave the line out")
    }
    let name = try FileSettings.text(root, "name")
    project = try FileSettings.text(root, "project")
    project = project ?? name
    if let agent = try root.map("agent") {
      try agent.refuseUnknown(["relay", "authtoken", "ca", "transport"])
      relay = try FileSettings.text(agent, "relay")
      authtoken = try FileSettings.text(agent, "authtoken")
      transport = try FileSettings.text(agent, "transport")
      ca = try FileSettings.text(agent, "ca").map { file in
        let path = file.value
        return Sourced(
          path.hasPrefix("/") ? path : "\(SmallFile.folder(of: root.file))/\(path)", file.source)
      }
    }
    for node in try root.list("endpoints") {
      endpoints.append(try endpoint(node))
    }
  }

  private mutating func endpoint(_ node: SettingsNode) throws(UserError) -> Endpoint {
    try node.refuseUnknown(["name", "url", "upstream"] + PolicyWord.keys + ["inbox", "resign"])
    var endpoint = Endpoint()
    endpoint.name = try FileSettings.text(node, "name")
    endpoint.url = try FileSettings.text(node, "url")
    if let upstream = try node.node("upstream") {
      if case .text = upstream.value {
        endpoint.upstream = try FileSettings.text(node, "upstream")
      } else {
        try upstream.refuseUnknown(["url"])
        endpoint.upstream = try FileSettings.text(upstream, "url")
      }
    }
    if endpoint.isTCP {
      _ = try endpoint.url?.read(TCPWish.init(url:))
      _ = try endpoint.upstreamOfTCP()
    } else {
      _ = try endpoint.url?.read(DomainWish.init(_:))
      _ = try endpoint.upstream?.read(UpstreamTarget.init(_:))
    }
    endpoint.policies = try PolicyWord.read(node)
    if endpoint.isTCP, let (word, said) = endpoint.policies.first, let text = said.first {
      throw text.source.fault(
        ValueFault(
          "\(word.key) is for HTTP, and this is a TCP endpoint", fix: "leave \(word.key) out"))
    }
    _ = try PolicySettings(TunnelRequest(), file: endpoint.policies)
    try notYet(node, ["inbox", "resign"])
    return endpoint
  }

  private mutating func notYet(_ node: SettingsNode, _ keys: [String]) throws(UserError) {
    for key in keys {
      guard let found = try node.node(key) else { continue }
      warnings.append("\(path):\(found.line): `\(key)` has no effect in this version yet")
    }
  }

  private static func text(
    _ node: SettingsNode, _ key: String
  ) throws(UserError) -> Sourced<String>? {
    guard let found = try node.node(key) else { return nil }
    return Sourced(try found.asString(), .file(found.file, line: found.line))
  }
}
