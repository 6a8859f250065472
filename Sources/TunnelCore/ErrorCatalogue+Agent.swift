extension ErrorCatalogue {
  /// What the agent meets: names, its authtoken, the way to the relay, its own settings.
  static let agentEntries: [ErrorEntry] = names + credentials + wayOut + wayEntries + settings

  private static let names: [ErrorEntry] = [
    ErrorEntry(
      "domain-taken", "The name belongs to somebody else", status: 409, exit: .taken,
      meaning: """
        Another account holds the name, or, with `--if-taken fail`, another agent serves it now.
        """,
      fix: "claim a name of your own with `tunnel domains claim NAME`"),
    ErrorEntry(
      "domain-not-held", "Your account does not hold this name", status: 403, exit: .taken,
      meaning: """
        A name outside the relay's base domain must be given to an account by the operator first.
        """,
      fix: "on the relay: `relay domain add NAME --account ACCOUNT`; or take a free subdomain"),
    ErrorEntry(
      "domain-out-of-scope", "The authtoken is not for this name", status: 403, exit: .taken,
      meaning: """
        A CI token serves only names that match its pattern, and only names that no person of the \
        account has claimed: it frees them when its agent ends.
        """,
      fix: "serve a name that matches, with --domain; or use a person's authtoken"),
    ErrorEntry(
      "domain-resting", "The name was released a short time ago", status: 409, exit: .taken,
      meaning: """
        A released name rests for 30 days, so that its old visitors do not meet a stranger. \
        Only the account that held it can have it back before.
        """,
      fix: "choose another name, or wait until the rest is over"),
    ErrorEntry(
      "domain-reserved", "The relay keeps this name for itself", status: 409, exit: .taken,
      meaning: "Names such as www, api, admin or mail could be taken for the relay itself.",
      fix: "choose another name"),
    ErrorEntry(
      "policy-invalid", "A policy cannot be kept", status: 400, exit: .usage,
      meaning: """
        The relay does not understand one of the rules that the agent declared (`--basic-auth`, \
        `--cidr-allow`, `--rate-limit`, headers), or does not allow it.
        """,
      fix: "the message names the rule; an older relay may not know a newer one"),
    ErrorEntry(
      "relay-too-old", "The relay is too old for this setting", exit: .configuration,
      meaning: "The relay would pass over a rule that the agent was started with.",
      fix: "ask the relay's operator for a newer relay, or leave the setting out"),
    ErrorEntry(
      "domain-invalid", "This is no name for a domain", status: 400, exit: .usage,
      meaning: """
        A host name has labels out of a-z, 0-9 and hyphens with dots between; a subdomain of \
        the relay has 3 to 63 characters.
        """,
      fix: "give the bare host name: no scheme, port, path or underscore"),
    ErrorEntry(
      "too-many-domains", "The account holds as many names as it may", status: 429, exit: .taken,
      meaning: "One account holds at most 100 names.",
      fix: "release one with `tunnel domains release NAME`"),
    ErrorEntry(
      "disconnected", "The session with the relay is over", exit: .temporary,
      meaning: "With `--exit-on-disconnect` the agent ends where it would dial again.",
      fix: "start it again, or leave the flag out and it comes back by itself"),
    ErrorEntry(
      "too-many-sessions", "The account has too many agents", status: 429, exit: .temporary,
      meaning: "One account has at most 50 sessions at a time. The agent keeps trying.",
      fix: "stop agents that you no longer need; look for forgotten CI jobs"),
  ]

  private static let credentials: [ErrorEntry] = [
    ErrorEntry(
      "authtoken-missing", "No authtoken is set", status: 401, exit: .authentication,
      meaning: "The relay was asked without a credential, and none is in the settings.",
      fix: "run `tunnel config add-authtoken TOKEN`; the relay's operator gives you the token"),
    ErrorEntry(
      "authtoken-invalid", "This is no authtoken", exit: .authentication,
      meaning: "The text does not have an authtoken's form: it is cut off or mistyped.",
      fix: "copy the whole token, from tun_ to its end, and save it again"),
    ErrorEntry(
      "authtoken-refused", "The relay does not know this authtoken", status: 401,
      exit: .authentication,
      meaning: "The token was revoked, or it belongs to another relay.",
      fix: "ask the operator for a new one (`relay token add ACCOUNT`), then `tunnel login`"),
    ErrorEntry(
      "account-disabled", "The account is disabled", status: 403, exit: .authentication,
      meaning: "The relay's operator has disabled the account that this authtoken belongs to.",
      fix: "ask the relay's operator"),
  ]

  private static let wayOut: [ErrorEntry] = [
    ErrorEntry(
      "relay-unreachable", "The relay cannot be reached", exit: .unavailable,
      meaning: "No connection came about: wrong name, no network, a firewall, or a stopped relay.",
      fix: "check the address with `tunnel config show`, then try `curl RELAY-URL/healthz`"),
    ErrorEntry(
      "relay-answer", "What answered is not a tunnel relay", exit: .unavailable,
      meaning: "Something else listens at this address: a web server, a captive portal, a proxy.",
      fix: "check the relay's address; in a hotel or café open a web page and sign in first"),
    ErrorEntry(
      "relay-plain-http", "The relay would be asked without encryption", exit: .configuration,
      meaning: "Over plain HTTP anybody on the way could read the authtoken.",
      fix: "use an https:// address, or say `--plain-http` if the network is your own"),
    ErrorEntry(
      "agent-too-old", "The agent is too old for this relay", status: 426, exit: .configuration,
      meaning: "The relay no longer speaks this version of the protocol.",
      fix: "install the version that the relay runs; `tunnel version` shows yours"),
    ErrorEntry(
      "no-agent", "No agent is running", exit: .unavailable,
      meaning: "The command talks to a running agent of yours, and there is none.",
      fix: "start one: `tunnel --domain NAME --port PORT`"),
    ErrorEntry(
      "not-ready", "The agent was not ready in time", exit: .temporary,
      meaning: "With `--detach` the agent has 30 s to get its domain, then it is ended.",
      fix: "look at its log; without `--detach` the agent shows what it waits for"),
    ErrorEntry(
      "not-connected", "The agent cannot ask the relay now", status: 503, exit: .temporary,
      meaning: "The agent runs, but has no session with the relay, or gets no answer on it.",
      fix: "`tunnel status` shows why; the agent keeps trying"),
    ErrorEntry(
      "web-stranger", "The agent does not answer this at its web address", status: 403,
      meaning: """
        The web address is for this machine's own programs and pages. A page of another origin, \
        or a name that only points here, could be a stranger's.
        """,
      fix: "ask http://127.0.0.1:4040 or http://localhost:4040 directly, as `curl` does"),
    ErrorEntry(
      "upstream-not-listening", "Nothing listens on the local port yet",
      meaning: "A warning: the tunnel is up, and visitors get 502 until the app runs.",
      fix: "start the app, or give another port with `--port`"),
  ]

  private static let settings: [ErrorEntry] = [
    ErrorEntry(
      "config-key", "The settings file has an unknown key", exit: .configuration,
      meaning: "A key was mistyped, or stands in the wrong place.",
      fix: "use the key that the message names; `tunnel config check` looks at the whole file"),
    ErrorEntry(
      "config-value", "A setting has a value that cannot be used", exit: .configuration,
      meaning: "The value is of the wrong kind or out of its range, in a file or the environment.",
      fix: "the message names the place and what is expected there"),
    ErrorEntry(
      "config-syntax", "The settings file is not valid YAML", exit: .configuration,
      meaning: "Often a tab, a missing blank behind a colon, or a quote that is never closed.",
      fix: "mend the line that the message names"),
    ErrorEntry(
      "config-file", "The settings file cannot be used", exit: .configuration,
      meaning: "It cannot be read or written, or it is missing although a flag names it.",
      fix: "check the path and its permissions; `tunnel config path` shows where it is looked for"),
    ErrorEntry(
      "usage", "The command line was not understood", exit: .usage,
      meaning: "An unknown command or flag, a missing value, or a value that does not fit.",
      fix: "add --help to the command to see what it takes"),
  ]
}
