extension ErrorCatalogue {
  /// What the relay answers in place of the app; the status and the title come from the code.
  static let refusals: [ErrorEntry] = [
    ErrorEntry(
      .unknownDomain,
      meaning: "No account of this relay holds the host name that was asked for.",
      fix: "check the name's spelling; `tunnel domains` lists what your account holds"),
    ErrorEntry(
      .agentOffline,
      meaning: "The name belongs to an account, but no agent serves it at the moment.",
      fix: "start the agent on the laptop: `tunnel --domain NAME --port PORT`"),
    ErrorEntry(
      .upstreamRefused,
      meaning: "The agent is there, but nothing listens on the local port.",
      fix: "start the app, or give its port with `--port`; the tunnel can keep running"),
    ErrorEntry(
      .upstreamInvalid,
      meaning: "The app's answer is no valid HTTP/1.1, or broke off before its head was whole.",
      fix: "look at the app's own log; is the port an HTTP one, and not HTTPS or a database?"),
    ErrorEntry(
      .upstreamTimeout,
      meaning: "The app did not answer within the limit that was set with `--response-timeout`.",
      fix: "raise the limit or leave the flag away: without it there is none"),
    ErrorEntry(
      .sessionLost,
      meaning: "The agent went away after the request was handed to it. The app may have seen it.",
      fix: "send the request again once the agent says `online`"),
    ErrorEntry(
      .overloaded,
      meaning: "The session carries as many open streams as it may, or the relay is full.",
      fix: "try again in a second; close connections that hang, such as forgotten event streams"),
    ErrorEntry(
      .badRequest,
      meaning: "The request breaks a rule of HTTP/1.1, or can be read in two ways.",
      fix: "the detail names the rule; look at what builds the request, often a hand-made client"),
    ErrorEntry(
      .requestTimeout,
      meaning: "The request's head or body stopped coming for longer than the relay waits.",
      fix: "send the request again; on a bad line try a smaller body"),
    ErrorEntry(
      .uriTooLong,
      meaning: "The request line is longer than the relay reads.",
      fix: "put the data in the body instead of the query"),
    ErrorEntry(
      .misdirected,
      meaning: "The request came over a connection that was opened for another host name.",
      fix: "open a new connection to the name; most programs do so by themselves"),
    ErrorEntry(
      .headerTooLarge,
      meaning: "One header field, all of them together or their number is over the relay's limit.",
      fix: "clear the site's cookies, the usual reason, or make the fields smaller"),
    ErrorEntry(
      .policyBasicAuth,
      meaning: "The tunnel was started with `--basic-auth`, and the credentials do not fit.",
      fix: "ask the tunnel's owner for the user name and the password"),
    ErrorEntry(
      .policyCIDR,
      meaning: """
        The tunnel lets in only certain addresses (`--cidr-allow`, `--cidr-deny`), and this one is \
        not among them. It is the visitor's own, or what a proxy that the relay trusts says.
        """,
      fix: "the owner can let the address in; `detail` names it"),
    ErrorEntry(
      .policyRateLimit,
      meaning: "More requests came from one client than the tunnel's `--rate-limit` allows.",
      fix: "wait as long as `Retry-After` says, or raise the limit"),
    ErrorEntry(
      .policyWebhook,
      meaning: "The tunnel takes only signed webhooks, and this one's signature does not hold.",
      fix: "compare the signing secret with the one in the provider's settings"),
    ErrorEntry(
      .inboxUnavailable,
      meaning: "The app is away and the relay could not keep the webhook safely, so it said so.",
      fix: "the provider will send it again; the relay's operator should look at disk and quota"),
  ]
}
