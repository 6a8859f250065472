import ArgumentParser
import Glibc
import RelayServer
import TunnelCore

/// `relay healthcheck`: for container and service managers.
struct HealthcheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck", abstract: "Ask a running relay whether it is well; exit 0 or 1.",
    discussion: """
      Where it listens stands in DATA/relay.url, and with TLS which certificate it shows: exactly \
      that one is trusted then, whatever name it is for. With --url https://NAME the certificate \
      must be one that this machine trusts for the name.
        relay healthcheck
        relay healthcheck --url http://127.0.0.1:9000
      """)

  @Option(help: ArgumentHelp("Where it listens.", valueName: "url")) var url: String?
  @OptionGroup var flags: DataFlags

  func run() async throws {
    let written = url == nil ? DataPath.address(flags.data) : nil
    let target = try HealthTarget(url ?? written?.url ?? "http://127.0.0.1:8080")
    let trust: HealthProbe.Trust =
      if !target.isSecure {
        .plainHTTP
      } else if let written, !written.fingerprints.isEmpty {
        .certificates(written.fingerprints)
      } else {
        .authorities
      }
    let probe = HealthProbe(
      host: target.name, port: Int(target.port) ?? 80, trust: trust)
    let status = try await probe.status(path: target.path)
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

/// An `http` or `https` URL taken apart; a URL without a path means `/healthz`.
struct HealthTarget: CustomStringConvertible {
  let isSecure: Bool
  let host: String
  let port: String
  let path: String

  init(_ url: String) throws(UserError) {
    isSecure = url.lowercased().hasPrefix("https://")
    let scheme = isSecure ? "https://" : "http://"
    guard url.lowercased().hasPrefix(scheme) else {
      throw UsageError.value(
        "`\(url)` is no http:// or https:// address",
        fix: "ask the relay's own listener, such as http://127.0.0.1:8080")
    }
    let rest = url.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = rest.dropFirst(authority.count)
    let colon = authority.hasSuffix("]") ? nil : authority.lastIndex(of: ":")
    let host = authority[..<(colon ?? authority.endIndex)]
    let port = colon.map { authority[authority.index(after: $0)...] } ?? (isSecure ? "443" : "80")
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

  var description: String { "\(isSecure ? "https" : "http")://\(host):\(port)\(path)" }
}
