import ArgumentParser
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

      Behind a web server that speaks TLS for it:
        relay serve --domain tunnel.example.com --listen 127.0.0.1:8080 \
      --public-url https://tunnel.example.com

      SIGTERM drains, 30 s at most; a second one ends at once.
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
    help: ArgumentHelp("The address that agents and visitors use.", valueName: "url"))
  var publicURL: String?
  @Flag(
    name: .customLong("plain-http"),
    help: "Listen beyond this machine without TLS, on a network that is your own.")
  var plainHTTP = false
  @Flag(
    name: .customLong("behind-proxy"),
    help: ArgumentHelp("Not in this version yet.", visibility: .hidden))
  var behindProxy = false
  @Option(
    name: .customLong("trusted-proxy"),
    help: ArgumentHelp("Not in this version yet.", visibility: .hidden))
  var trustedProxies: [String] = []
  @Flag(help: "Print JSON, one object a line.") var json = false

  func run() async throws {
    let settings = try ServeSettings(options()) { isFirstRun in
      DataPath.forServe(nil, isFirstRun: isFirstRun)
    }
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    let notify = DataPath.environment("NOTIFY_SOCKET")
    try await RelayRun.serve(settings, logger: Logger(label: "relay"), notify: notify) { relay in
      if settings.json {
        Output.print([
          ("event", .string("ready")), ("listen", .string(relay.listen)),
          ("domain", .string(settings.base.text)), ("url", .string(relay.url)),
        ])
      } else {
        Output.print("Listening  http://\(relay.listen)  domain \(settings.base)")
      }
    }
  }

  func options() throws -> ServeOptions {
    ServeOptions(
      domain: try domain.map { try Names.domain($0) }, listen: try address(), data: data,
      config: config, publicURL: try checkedURL(), plainHTTP: plainHTTP,
      behindProxy: behindProxy, trustedProxies: trustedProxies, json: json)
  }

  private func address() throws(UserError) -> ListenAddress? {
    guard let listen else { return nil }
    guard let address = ListenAddress(listen) else {
      throw UsageError.value(
        "`\(listen)` is no address to listen on", fix: "such as 127.0.0.1:8080 or [::]:443")
    }
    return address
  }

  private func checkedURL() throws(UserError) -> String? {
    guard let publicURL else { return nil }
    guard publicURL.hasPrefix("https://") || publicURL.hasPrefix("http://") else {
      throw UsageError.value(
        "`\(publicURL)` is no address", fix: "such as https://tunnel.example.com")
    }
    return publicURL
  }
}
