import ArgumentParser
import Glibc
import RelayServer
import TunnelCore

/// `relay healthcheck`: for container and service managers.
struct HealthcheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck", abstract: "Ask a running relay whether it is well; exit 0 or 1.",
    discussion: """
      Where it listens stands in DATA/relay.url.
        relay healthcheck
        relay healthcheck --url http://127.0.0.1:9000
      """)

  @Option(help: ArgumentHelp("Where it listens.", valueName: "url")) var url: String?
  @OptionGroup var flags: DataFlags

  func run() async throws {
    let target = try HealthTarget(url ?? DataPath.address(flags.data) ?? "http://127.0.0.1:8080")
    let status = try await HealthProbe.status(
      host: target.name, port: Int(target.port) ?? 80, path: target.path)
    guard status == 200 else {
      throw UserError(code: "unhealthy", message: "\(target) answered \(status)")
    }
    if flags.json {
      Output.print([("healthy", true), ("url", .string(target.description))])
    } else {
      Output.print("healthy  \(target)")
    }
  }
}

/// An `http` URL taken apart; a URL without a path means `/healthz`.
struct HealthTarget: CustomStringConvertible {
  let host: String
  let port: String
  let path: String

  init(_ url: String) throws(UserError) {
    let scheme = "http://"
    guard url.lowercased().hasPrefix(scheme) else {
      throw UsageError.value(
        "`\(url)` is no http:// address",
        fix: "ask the relay's own listener, such as http://127.0.0.1:8080")
    }
    let rest = url.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = rest.dropFirst(authority.count)
    let colon = authority.hasSuffix("]") ? nil : authority.lastIndex(of: ":")
    let host = authority[..<(colon ?? authority.endIndex)]
    let port = colon.map { authority[authority.index(after: $0)...] } ?? "80"
    guard !host.isEmpty, UInt16(port) != nil, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else {
      throw UsageError.value("`\(url)` is no address", fix: "such as http://127.0.0.1:8080")
    }
    self.host = String(host)
    self.port = String(port)
    self.path = path.isEmpty || path == "/" ? "/healthz" : String(path)
  }

  /// The host as the resolver wants it, without the brackets of RFC 3986.
  var name: String { host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host }

  var description: String { "http://\(host):\(port)\(path)" }
}
