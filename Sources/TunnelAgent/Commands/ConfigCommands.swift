import TunnelCore

/// `tunnel config add-authtoken`, `check`, `path` and `show`.
package enum ConfigCommands {
  /// Checks the token's form and keeps it; the relay is not asked.
  package static func addAuthtoken(
    _ text: String, to file: UserConfigFile, _ terminal: Terminal
  ) throws(UserError) {
    let token = try AccountSettings.authtoken(text)
    try file.save(authtoken: token.reveal())
    saved(file, terminal)
  }

  static func saved(_ file: UserConfigFile, _ terminal: Terminal) {
    terminal.line("Authtoken saved to configuration file: \(VisibleText.of(file.path))")
  }

  /// Names every file that was read; faults were thrown before.
  package static func check(_ merged: MergedSettings, _ terminal: Terminal) {
    for warning in merged.warnings { terminal.show(.warning(warning)) }
    for file in merged.files {
      terminal.line("Valid configuration file: \(VisibleText.of(file))")
    }
    if merged.files.isEmpty {
      let place = merged.userFile.map { ", nor \(VisibleText.of($0))" } ?? ""
      terminal.line("No configuration file: no tunnel.yml here\(place)")
    }
  }

  package static func path(_ file: UserConfigFile, _ terminal: Terminal) {
    terminal.line(file.path)
  }

  /// Each value with its source; the token masked.
  package static func show(_ merged: MergedSettings, json: Bool, _ terminal: Terminal) {
    for warning in merged.warnings { terminal.show(.warning(warning)) }
    guard json else {
      for (name, value, source) in rows(merged) {
        let padded = name + String(repeating: " ", count: max(0, 9 - name.count))
        let text = VisibleText.of(value ?? "(not set)")
        terminal.line("\(padded)  \(text)" + (source.map { "  (\(VisibleText.of($0)))" } ?? ""))
      }
      return
    }
    let members = rows(merged).map { name, value, source in
      (
        key: name,
        value: JSONText.object([("value", JSONText(value)), ("source", JSONText(source))])
      )
    }
    terminal.line(.object(members))
  }

  private static func rows(_ merged: MergedSettings) -> [(String, String?, String?)] {
    let domain = merged.domain.value == .first ? nil : merged.domain.value.description
    let files = merged.way.authorities
    return [
      ("relay", merged.relay.value.description, merged.relay.source.description),
      (
        "authtoken", merged.authtoken?.value.description,
        merged.authtoken?.source.description
      ),
      ("proxy", merged.way.proxy.value.shown, merged.way.proxy.source.description),
      (
        "ca", files.isEmpty ? nil : files.map(\.value).joined(separator: ", "),
        files.isEmpty
          ? "the system's" : files.map(\.source.description).joined(separator: ", ")
      ),
      (
        "transport", merged.way.transport.value.rawValue,
        merged.way.transport.source.description
      ),
      ("domain", domain, merged.domain.source.description),
      ("upstream", merged.upstream?.value.description, merged.upstream?.source.description),
      ("project", merged.project?.value, merged.project?.source.description),
    ]
      + merged.policies.said.map { said in
        (
          String(said.word.flag.dropFirst(2)), said.texts.joined(separator: ", "),
          said.source.description
        )
      }
  }
}
