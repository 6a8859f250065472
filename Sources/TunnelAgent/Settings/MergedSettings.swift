import TunnelCore

/// Where settings are looked for.
package struct SettingsPlaces: Sendable {
  package var environment: [String: String]
  /// The working directory, absolute.
  package var directory: String

  package init(environment: [String: String], directory: String) {
    self.environment = environment
    self.directory = directory
  }

  package func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(directory)/\(path)"
  }
}

/// Every setting with the place it came from. A flag beats the environment, that beats the
/// project's `tunnel.yml`, that beats the user's. Nothing here is required yet: see
/// `AgentSettings`. Throws `UserError`: exit 2 for a flag, 78 for the environment and files.
package struct MergedSettings: Sendable {
  package private(set) var relay: Sourced<RelayAddress>
  package private(set) var authtoken: Sourced<Authtoken>?
  package let way: WayOut
  package private(set) var domain = Sourced(DomainWish.first, .preset("the account's first"))
  package private(set) var upstream: Sourced<UpstreamTarget>?
  package private(set) var project: Sourced<String>?
  package private(set) var endpoint: Sourced<String>?
  package private(set) var policies = PolicySettings()
  package private(set) var warnings: [String] = []
  /// The endpoints of the file if there are several and none was chosen.
  package private(set) var choices: [String] = []
  /// The files that exist and were read.
  package private(set) var files: [String] = []
  package let userFile: String?
  package let folders: Folders
  package let request: TunnelRequest

  package init(_ request: TunnelRequest, _ places: SettingsPlaces) throws(UserError) {
    self.request = request
    folders = Folders(environment: places.environment)
    let place = ProjectPlace(around: places.directory)
    userFile = folders.userFile
    let found = try FoundFiles(request, place, folders)
    files = found.all.map(\.path)
    warnings = found.all.flatMap(\.warnings)

    let account = try AccountSettings(request, places, found, folders)
    relay = account.relay
    authtoken = account.authtoken
    way = try WayOut(account.relay.value, request, places, files: found.all)
    try found.refuseStrayAuthority(account)
    warnings += account.warnings

    let words = TunnelChoice(request, places)
    if let tcp = try TCPChoice(request, found, words) {
      (domain, upstream, endpoint) = (tcp.wish, tcp.upstream, tcp.name)
    } else {
      try chooseName(words, found)
    }
    project =
      request.last("--project") ?? found.project?.project ?? found.user?.project
      ?? place.name.map { Sourced($0, .preset("the git root's folder")) }
  }

  private mutating func chooseName(
    _ words: TunnelChoice, _ found: FoundFiles
  ) throws(UserError) {
    var endpoint = try found.endpoint(request)
    // A target, or a name, says that this is no run of the file's TCP endpoint.
    if endpoint?.isTCP == true { endpoint = nil }
    choices = endpoint == nil ? found.endpointNames : []
    self.endpoint = endpoint?.name
    if let said = try words.domain() {
      domain = said
    } else if let said = try endpoint?.url?.read(DomainWish.init(_:)) {
      domain = said
    }
    policies = try PolicySettings(request, file: endpoint?.policies ?? [:])
    upstream = try words.upstream()
    if upstream == nil {
      upstream = try endpoint?.upstream?.read(UpstreamTarget.init(_:))
    }
  }
}

/// The files that take part: the project's, or the one `--config` names, and the user's.
struct FoundFiles {
  let project: FileSettings?
  let user: FileSettings?

  var all: [FileSettings] { [project, user].compactMap(\.self) }

  init(_ request: TunnelRequest, _ place: ProjectPlace, _ folders: Folders) throws(UserError) {
    var project: FileSettings?
    if let named = request.last("--config") {
      project = try FileSettings.read(named.value)
      guard project != nil else {
        throw UserError(
          code: "config-file", message: "--config: there is no file \(named.value)", fix: nil,
          exit: .configuration)
      }
    } else if let path = place.file, path != folders.userFile {
      project = try FileSettings.read(path)
    }
    var user: FileSettings?
    if let path = folders.userFile, path != project?.path { user = try FileSettings.read(path) }
    self.project = project
    self.user = user
  }

  /// A project's file may come from a stranger's repository: it must not decide whom the token is
  /// shown to that the user keeps elsewhere.
  func refuseStrayAuthority(_ account: AccountSettings) throws(UserError) {
    guard let ca = project?.ca, let token = user?.authtoken, ca.value != user?.ca?.value,
      account.authtoken?.source == token.source
    else { return }
    throw ca.source.fault(
      ValueFault(
        "this file adds an authority, but the authtoken is kept in \(user?.path ?? "")",
        fix: "if you trust it, say --ca \(ca.value), or set `ca` in the file of the authtoken"))
  }

  private var endpoints: [FileSettings.Endpoint] {
    all.map(\.endpoints).first { !$0.isEmpty } ?? []
  }

  var tcpEndpoints: [FileSettings.Endpoint] { endpoints.filter(\.isTCP) }
  var hasOneEndpoint: Bool { endpoints.count == 1 }

  var endpointNames: [String] { endpoints.compactMap(\.name?.value) }

  /// The endpoint that `--name` names, else the only one there is.
  func endpoint(_ request: TunnelRequest) throws(UserError) -> FileSettings.Endpoint? {
    let endpoints = endpoints
    let names = endpointNames
    if let name = request.last("--name") {
      if let found = endpoints.first(where: { $0.name?.value == name.value }) { return found }
      guard names.isEmpty else {
        let expected = Nearest.match(name.value, in: names) ?? names.joined(separator: ", ")
        throw name.source.fault(
          ValueFault("no endpoint is named `\(name.value)`", fix: "--name \(expected)"))
      }
      return FileSettings.Endpoint(name: name)
    }
    return endpoints.count == 1 ? endpoints.first : nil
  }
}

extension TunnelRequest {
  /// The last value of a flag, as a setting.
  func last(_ name: String) -> Sourced<String>? {
    values(name).last.map { Sourced($0.value, .flag(name)) }
  }
}
