/// One flag of a tunnel, as the grammar takes it and the help shows it.
package struct TunnelFlag: Sendable {
  package enum State: Sendable { case works, later }

  package let name: String
  package let short: String?
  /// What stands for its value in the help; nil for a flag that is on or off.
  package let value: String?
  package let help: String
  package let state: State

  init(
    _ name: String, short: String? = nil, value: String? = nil, _ help: String = "",
    state: State = .works
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.help = help
    self.state = state
  }

  /// In the help's order. A later issue moves its flag up from `later`.
  package static let all: [TunnelFlag] = works + later

  static let domains = ["--domain", "--url", "--hostname", "--subdomain"]

  private static let works: [TunnelFlag] = [
    .init("--domain", value: "NAME", "the public name: mine.example, or a label of the relay's"),
    .init("--url", value: "URL", "the same, written https://mine.example"),
    .init("--hostname", value: "NAME", "the same as --domain"),
    .init("--subdomain", value: "LABEL", "a name directly below the relay's own"),
    .init("--port", value: "PORT", "the app's port on this machine, in place of TARGET"),
    .init("--tcp-port", value: "PORT", "with tcp: this port of the relay's (also --url tcp://…)"),
    .init("--relay", value: "URL", "the relay to use (TUNNEL_RELAY)"),
    .init("--plain-http", "allow http:// to a relay that is not on this machine"),
    .init("--ca", value: "FILE", "trust the authorities in FILE too (also SSL_CERT_FILE)"),
    .init("--proxy", value: "URL", "the way out, or `direct` (HTTPS_PROXY, ALL_PROXY, NO_PROXY)"),
    .init("--transport", value: "WAY", "auto (default), raw or websocket"),
    .init("--config", value: "FILE", "read FILE in place of the project's tunnel.yml"),
    .init("--name", value: "NAME", "the endpoint of the file to start"),
    .init("--project", value: "NAME", "whose webhooks these are (default: the git root's name)"),
    .init(
      "--if-taken", value: "WHAT", "if the domain is served: replace (default), standby or fail"),
    .init("--basic-auth", value: "USER:PASSWORD", "ask visitors for it; may be repeated"),
    .init("--cidr-allow", value: "CIDR", "let in only these addresses; may be repeated"),
    .init("--cidr-deny", value: "CIDR", "keep these addresses out; may be repeated"),
    .init("--rate-limit", value: "N/s", "requests of one client in a second (N/m: a minute)"),
    .init("--request-header-add", value: "'NAME: VALUE'", "add a header to what the app gets"),
    .init("--request-header-remove", value: "NAME", "take a header out of it"),
    .init("--response-header-add", value: "'NAME: VALUE'", "add a header to the app's answers"),
    .init("--response-header-remove", value: "NAME", "take a header out of them"),
    .init(
      "--host-header", value: "VALUE", "the app's Host: preserve (default), rewrite, or a name"),
    .init("--response-timeout", value: "SECONDS", "answer 504 if the app takes longer"),
    .init("--web-addr", value: "ADDR", "where to ask this agent (127.0.0.1:4040), or false"),
    .init("--detach", "go on in the background once it is ready"),
    .init("--exit-on-disconnect", "end with 75 instead of trying again"),
    .init("--log", value: "PLACE", "stdout, stderr (default), FILE or false"),
    .init("--log-format", value: "FORM", "text (default), logfmt or json"),
    .init("--log-level", value: "LEVEL", "debug, info, warn (default), error"),
    .init("--json", "one JSON object a line in place of text"),
    .init("--quiet", short: "-q", "no banner and no request lines"),
    .init("--verbose", short: "-v", "the same as --log-level debug"),
    .init("--color", value: "WHEN", "auto (default), always or never"),
  ]

  private static let later: [TunnelFlag] = [
    "--inbox", "--inbox-path", "--resign", "--verify-webhook", "--verify-webhook-secret",
    "--env-file",
    "--no-env", "--inspect", "--no-inspect",
  ].map { TunnelFlag($0, state: .later) }

  static func named(_ spelled: String) -> TunnelFlag? {
    all.first { $0.name == spelled || $0.short == spelled }
  }
}
