import ArgumentParser
import Glibc
import Logging
import RelayServer
import TunnelCore

/// `relay serve`: reads the flags; the relay itself is RelayServer's.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the relay.",
    discussion: """
      Without --domain it serves localhost on 127.0.0.1:8080, makes an account `dev` and keeps its \
      authtoken in DATA/dev.token, where an agent of the same user finds it:
        relay serve

      With a certificate for its own name and *.NAME:
        relay serve --domain tunnel.example.com --listen [::]:443 \
      --tls-cert fullchain.pem --tls-key privkey.pem

      Behind a web server that speaks TLS for it:
        relay serve --domain tunnel.example.com --listen 127.0.0.1:8080 --behind-proxy

      SIGTERM drains, 30 s at most; a second one ends at once. SIGHUP reads certificates and \
      relay.yml again (changed certificates are taken without it). SIGUSR2 starts the file that \
      now stands at the program's path with the same flags and hands over to it; no request \
      fails. Sockets that systemd passes (LISTEN_FDS) are used in place of --listen.
      """)

  @Option(help: ArgumentHelp("The relay's own name.", valueName: "domain")) var domain: String?
  @Option(help: ArgumentHelp("Where to listen, [::]:443 for example.", valueName: "address"))
  var listen: String?
  @Option(
    help: ArgumentHelp(
      "The data directory. Default: /var/lib/relay; without --domain a folder of the user's.",
      valueName: "dir"))
  var data: String?
  @Option(help: ArgumentHelp("A settings file, relay.yml.", valueName: "file")) var config: String?
  @Option(
    name: .customLong("public-url"),
    help: ArgumentHelp(
      """
      The address that agents and visitors use. Default: what it listens on; with --behind-proxy \
      https://DOMAIN, on the usual port.
      """, valueName: "url"))
  var publicURL: String?
  @Flag(
    name: .customLong("plain-http"),
    help: """
      Answer plain HTTP, also beyond this machine, on a network that is your own. With a \
      certificate both are answered on the one port.
      """)
  var plainHTTP = false
  @Option(
    name: .customLong("tls-cert"),
    help: ArgumentHelp(
      """
      Speak TLS: the certificate's whole chain, in PEM. May be repeated with its key: the name \
      that a visitor asks for chooses, else the first is shown.
      """, valueName: "file"))
  var certificates: [String] = []
  @Option(
    name: .customLong("tls-key"),
    help: ArgumentHelp("The certificate's own key, in PEM.", valueName: "file"))
  var keys: [String] = []
  @Option(
    name: .customLong("redirect-listen"),
    help: ArgumentHelp(
      """
      Send who comes here without TLS on to https://, and serve nothing else; [::]:80 for \
      example.
      """, valueName: "address"))
  var redirect: String?
  @Flag(
    name: .customLong("behind-proxy"),
    help: """
      A proxy on this machine speaks for the clients: its X-Forwarded-For and -Proto count. The \
      address is https://DOMAIN then, if --public-url names no other.
      """)
  var behindProxy = false
  @Option(
    name: .customLong("trusted-proxy"),
    help: ArgumentHelp(
      "An address or block whose X-Forwarded-For and -Proto count; may be repeated.",
      valueName: "cidr"))
  var trustedProxies: [String] = []
  @Option(
    name: .customLong("tcp-ports"),
    help: ArgumentHelp(
      "Ports for `tunnel tcp`, 20000-20099 for example; open them in the firewall too.",
      valueName: "range"))
  var tcpPorts: String?
  @Flag(help: "Print JSON, one object a line.") var json = false

  func run() async throws {
    let inherited = InheritedDescriptors(
      pid: getpid(), parent: getppid(), DataPath.environment)
    var options = try options()
    if let address = try inherited.address() { options.listen = address }
    if let address = try inherited.redirectAddress() { options.redirect = address }
    let wanted = options
    let read: @Sendable () throws(UserError) -> ServeSettings = { () throws(UserError) in
      try ServeSettings(wanted) { isFirstRun in DataPath.forServe(nil, isFirstRun: isFirstRun) }
    }
    let settings = try read()
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    DescriptorLimit.raise()
    let run = RelayRun(
      settings, logger: Logger(label: "relay"), program: Surroundings.program,
      notify: DataPath.environment("NOTIFY_SOCKET"), readAgain: read)
    try await run.serve(inherited: inherited) { relay in
      say(relay, settings)
    }
  }

  private func say(_ relay: Relay, _ settings: ServeSettings) {
    guard settings.json else {
      Output.print("Listening  \(relay.scheme)://\(relay.listen)  domain \(settings.base)")
      if let redirect = relay.redirect { Output.print("Redirecting  http://\(redirect)") }
      return
    }
    var members: [(String, JSONText)] = [
      ("event", .string("ready")), ("listen", .string(relay.listen)),
      ("domain", .string(settings.base.text)), ("url", .string(relay.url)),
    ]
    if let redirect = relay.redirect { members.append(("redirect", .string(redirect))) }
    Output.print(members)
  }

  func options() throws -> ServeOptions {
    ServeOptions(
      domain: try domain.map { try Names.domain($0) }, listen: try address(listen), data: data,
      config: config, publicURL: try checkedURL(), plainHTTP: plainHTTP,
      tls: try certificateFiles(), redirect: try address(redirect), behindProxy: behindProxy,
      trustedProxies: try trustedProxies.map { text throws(UserError) in try block(text) },
      tcpPorts: try offer(), json: json)
  }

  private func offer() throws(UserError) -> TCPOffer? {
    guard let tcpPorts else { return nil }
    do throws(UserError) { return try TCPOffer(tcpPorts) } catch {
      throw UsageError.value(error.message, fix: error.fix ?? "")
    }
  }

  private func address(_ text: String?) throws(UserError) -> ListenAddress? {
    guard let text else { return nil }
    guard let address = ListenAddress(text) else {
      throw UsageError.value(
        "`\(text)` is no address to listen on", fix: "such as 127.0.0.1:8080 or [::]:443")
    }
    return address
  }

  /// The first key is the first certificate's, and so on.
  private func certificateFiles() throws(UserError) -> [CertificateFiles] {
    guard certificates.count == keys.count else {
      throw UserError(
        code: "usage", message: "--tls-cert and --tls-key go together",
        fix: "add \(keys.count < certificates.count ? "--tls-key" : "--tls-cert") FILE",
        exit: .usage)
    }
    return zip(certificates, keys).map { CertificateFiles(certificate: $0, key: $1) }
  }

  private func block(_ text: String) throws(UserError) -> AddressBlock {
    guard let block = AddressBlock(text) else {
      throw UsageError.value(
        "`\(text)` is no address or block of addresses",
        fix: "such as --trusted-proxy 10.0.0.0/8 or --trusted-proxy 2001:db8::1")
    }
    return block
  }

  private func checkedURL() throws(UserError) -> String? {
    guard let publicURL else { return nil }
    guard PublicURL.isURL(publicURL) else {
      throw UsageError.value(
        "`\(publicURL)` is no address", fix: "such as https://tunnel.example.com")
    }
    return publicURL
  }
}
