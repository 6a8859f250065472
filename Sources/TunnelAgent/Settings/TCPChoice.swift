import TunnelCore

/// A TCP endpoint as the command line or `tunnel.yml` asks for it: `tunnel tcp 5432`, a flag
/// `--tcp-port`, an address `tcp://…`, or an endpoint of the file with such an address.
struct TCPChoice {
  let wish: Sourced<DomainWish>
  let upstream: Sourced<UpstreamTarget>
  let name: Sourced<String>?

  /// Flags that are about HTTP, with what a person may have meant.
  static let httpFlags: Set<String> = [
    "--domain", "--hostname", "--subdomain", "--response-timeout", "--host-header", "--basic-auth",
    "--cidr-allow", "--cidr-deny", "--rate-limit", "--request-header-add",
    "--request-header-remove", "--response-header-add", "--response-header-remove", "--inbox",
    "--inbox-path", "--resign", "--verify-webhook", "--verify-webhook-secret", "--env-file",
    "--no-env", "--inspect", "--no-inspect",
  ]

  /// Nil: a tunnel for HTTP is asked for.
  init?(
    _ request: TunnelRequest, _ found: FoundFiles, _ words: TunnelChoice
  ) throws(UserError) {
    let urls = request.values("--url")
    let ports = request.values("--tcp-port")
    let endpoint = TCPChoice.endpoint(request, found)
    guard
      request.isTCP || !ports.isEmpty || endpoint != nil
        || urls.contains(where: { TCPWish.isMeant(by: $0.value) })
    else { return nil }
    try TCPChoice.refuseHTTP(request)
    name = request.last("--name") ?? endpoint?.name
    var asked: Sourced<TCPWish>?
    for given in urls + ports {
      let said = try Sourced(given.value, .flag(given.name)).read { text throws(ValueFault) in
        given.name == "--tcp-port"
          ? TCPWish(port: UInt16(try UpstreamTarget.port(text))) : try TCPWish(url: text)
      }
      if let first = asked, first.value.port != said.value.port {
        throw CommandGrammar.usage("two TCP ports were asked for", fix: "say one of them")
      }
      asked = Sourced(
        TCPWish(port: said.value.port, host: asked?.value.host ?? said.value.host), said.source)
    }
    if asked == nil { asked = try endpoint?.url?.read(TCPWish.init(url:)) }
    var said = try words.upstream(isTCP: true)
    if said == nil { said = try endpoint?.upstreamOfTCP() }
    guard let upstream = said else {
      throw CommandGrammar.usage(
        "where is the app? no port was given", fix: "`tunnel tcp 5432`, or --port")
    }
    self.upstream = upstream
    var wish = asked?.value ?? TCPWish()
    wish.label = name?.value ?? "\(upstream.value)"
    self.wish = Sourced(.tcp(wish), asked?.source ?? .preset("the account's port for this"))
  }

  /// The file's: the one that is named, or the only one where nothing else says what to serve.
  private static func endpoint(
    _ request: TunnelRequest, _ found: FoundFiles
  ) -> FileSettings.Endpoint? {
    let all = found.tcpEndpoints
    if let name = request.last("--name") { return all.first { $0.name?.value == name.value } }
    let saysWhat =
      !request.targets.isEmpty || request.isHTTP
      || request.flags.contains { TunnelFlag.domains.contains($0.name) }
    return found.hasOneEndpoint && !saysWhat ? all.first : nil
  }

  private static func refuseHTTP(_ request: TunnelRequest) throws(UserError) {
    if request.isHTTP {
      throw CommandGrammar.usage("a tunnel is either http or tcp", fix: "leave one word out")
    }
    guard let flag = request.flags.first(where: { httpFlags.contains($0.name) }) else { return }
    let isName = TunnelFlag.domains.contains(flag.name)
    throw CommandGrammar.usage(
      "\(flag.name) is for HTTP, and this is a TCP endpoint",
      fix: isName
        ? "--tcp-port N asks for a certain port of the relay's" : "leave \(flag.name) out")
  }
}

extension FileSettings.Endpoint {
  var isTCP: Bool { url.map { TCPWish.isMeant(by: $0.value) } ?? false }

  func upstreamOfTCP() throws(UserError) -> Sourced<UpstreamTarget>? {
    try upstream?.read { text throws(ValueFault) in try UpstreamTarget.tcp(text) }
  }
}
