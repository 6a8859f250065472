/// What `tunnel --help` says, and `tunnel` alone.
package enum HelpText {
  package static var tunnel: String {
    let flags = TunnelFlag.all.filter { $0.state == .works }
    let heads = flags.map { flag in
      [flag.short, flag.name].compactMap(\.self).joined(separator: ", ")
        + (flag.value.map { " \($0)" } ?? "")
    }
    let width = heads.map(\.count).max() ?? 0
    let lines = zip(flags, heads).map { flag, head in
      "  " + head + String(repeating: " ", count: width - head.count) + "  " + flag.help
    }
    return """
      tunnel - a public https address for an app on this machine

      Usage: tunnel [http] [TARGET] [flags]      TARGET is a port or an address of the app
             tunnel tcp TARGET [flags]          a TCP port of the relay's, for a database and such
             tunnel COMMAND --help

      Examples:
        tunnel 3000                                     the account's first domain
        tunnel --domain mine.example --port 3000        a name the account holds
        tunnel http localhost:3000 --subdomain brave    brave, below the relay's own name
        tunnel tcp 5432                                 a raw TCP port, the same one each time

      Commands:
        login RELAY-URL    keep the relay's address and the authtoken
        config             add-authtoken, check, path, show
        domains            ls, claim NAME, release NAME
        status             how the running agents are
        take               give a waiting agent its domain back
        explain [CODE]     what an error means and how to mend it
        completion SHELL   a completion script for bash, zsh or fish
        version

      Flags:
      \(lines.joined(separator: "\n"))

      Settings win in this order: flag, environment, the project's tunnel.yml, the user's.
      """
  }

  /// `tunnel` alone: the one next step of this user.
  package static func nextStep(_ merged: MergedSettings) -> String {
    guard merged.authtoken != nil else {
      return """
        No relay is known yet. Next: tunnel login RELAY-URL
        (or start one on this machine: relay serve)
        """
    }
    if let upstream = merged.upstream { return "Next: tunnel http    (serves \(upstream.value))" }
    return "Next: tunnel 3000    (the port your app listens on; all flags: tunnel --help)"
  }
}
