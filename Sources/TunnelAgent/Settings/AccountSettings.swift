import TunnelCore

/// Which relay, and with which authtoken. With neither set, the local relay's first-run account.
struct AccountSettings {
  let relay: Sourced<RelayAddress>
  let authtoken: Sourced<Authtoken>?
  private(set) var warnings: [String] = []

  init(
    _ request: TunnelRequest, _ places: SettingsPlaces, _ found: FoundFiles, _ folders: Folders
  ) throws(UserError) {
    let plain = request.isOn("--plain-http")
    let relayText =
      request.last("--relay") ?? places.environment.setting("TUNNEL_RELAY")
      ?? found.project?.relay ?? found.user?.relay
    var warnings: [String] = []
    let tokenText = try AccountSettings.token(places, found, &warnings)
    if let relayText, let tokenText {
      try AccountSettings.refuseStrayToken(relayText, tokenText, found)
    }
    if let relayText {
      relay = try relayText.read { text throws(ValueFault) in
        try RelayAddress(text, plainHTTP: plain)
      }
    } else {
      relay = try AccountSettings.localRelay(folders)
    }
    if let tokenText {
      authtoken = try AccountSettings.parse(tokenText)
    } else if relayText == nil, let text = AccountSettings.firstRunToken(folders) {
      authtoken = try AccountSettings.parse(text)
    } else {
      authtoken = nil
    }
    self.warnings = warnings
  }

  private static func token(
    _ places: SettingsPlaces, _ found: FoundFiles, _ warnings: inout [String]
  ) throws(UserError) -> Sourced<String>? {
    if let text = places.environment.setting("TUNNEL_AUTHTOKEN") { return text }
    if let path = places.environment.setting("TUNNEL_AUTHTOKEN_FILE") {
      do {
        let content = try SmallFile.read(path.value, most: 4096)
        if content.isReadableByOthers { warnings.append(sharedWarning(path.value)) }
        return Sourced(content.text.firstLine, path.source)
      } catch {
        throw UserError(
          code: "config-file",
          message: "TUNNEL_AUTHTOKEN_FILE: \(path.value) cannot be read: \(error.text)",
          fix: nil, exit: .configuration)
      }
    }
    for file in found.all {
      guard let token = file.authtoken else { continue }
      if let content = try? SmallFile.read(file.path), content.isReadableByOthers {
        warnings.append(sharedWarning(file.path))
      }
      return token
    }
    return nil
  }

  /// A project's file may come from a stranger's repository: it must not send the token that the
  /// user keeps for one relay to another.
  private static func refuseStrayToken(
    _ relay: Sourced<String>, _ token: Sourced<String>, _ found: FoundFiles
  ) throws(UserError) {
    guard let user = found.user, token == user.authtoken, let project = found.project,
      relay == project.relay, relay.value != user.relay?.value
    else { return }
    let known = user.relay.map { "for \($0.value)" } ?? "without a relay"
    throw relay.source.fault(
      ValueFault(
        "this file's relay is \(relay.value), but \(user.path) keeps the authtoken \(known)",
        fix: "if you trust that relay, `tunnel login \(relay.value)`, or use --relay"))
  }

  /// Throws 77 `authtoken-invalid`, without a word of the text.
  static func authtoken(_ text: String) throws(UserError) -> Authtoken {
    try parse(Sourced(text, .preset("typed"))).value
  }

  private static func parse(_ text: Sourced<String>) throws(UserError) -> Sourced<Authtoken> {
    try text.read { text throws(ValueFault) in
      do throws(AuthtokenFault) {
        return try Authtoken(text)
      } catch {
        throw ValueFault(
          error.description, code: "authtoken-invalid", exit: .authentication)
      }
    }
  }

  private static func localRelay(_ folders: Folders) throws(UserError) -> Sourced<RelayAddress> {
    if let path = folders.localRelay.map({ $0 + "/relay.url" }),
      let text = try? SmallFile.read(path, most: 4096).text.firstLine
    {
      return try Sourced(text, .file(path, line: 1)).read { text throws(ValueFault) in
        try RelayAddress(text)
      }
    }
    return Sourced(.local, .preset("the relay of this machine"))
  }

  private static func firstRunToken(_ folders: Folders) -> Sourced<String>? {
    guard let path = folders.localRelay.map({ $0 + "/dev.token" }),
      let text = try? SmallFile.read(path, most: 4096).text.firstLine
    else { return nil }
    return Sourced(text, .file(path, line: 1))
  }

  private static func sharedWarning(_ path: String) -> String {
    "\(path) holds an authtoken and others can read it: chmod 600 \(path)"
  }
}

extension String {
  /// The first line, without blanks around it.
  var firstLine: String {
    var line = prefix { !$0.isNewline }.drop(while: \.isWhitespace)
    while line.last?.isWhitespace == true { line.removeLast() }
    return String(line)
  }
}
