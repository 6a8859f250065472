import NIOCore
import SettingsFile
import TunnelCore

/// What the command line of `relay serve` said, unchecked.
package struct ServeFlags: Sendable {
  package var domain: String?
  package var listen: String?
  package var data: String?
  package var config: String?
  package var publicURL: String?
  package var plainHTTP = false
  package var json = false

  package init() {}
}

/// What `relay serve` does, checked: flags over `relay.yml` over defaults (product.md, section 4).
package struct ServeSettings: Sendable {
  package let base: DomainName
  package let listenHost: String
  package let listenPort: Int
  package let dataDirectory: String
  /// How the outside writes this relay's address; nil is what it listens on.
  package let publicURL: String?
  /// Without a domain: a relay for one person, with an account `dev` that it makes by itself.
  package let isFirstRun: Bool
  let limits: IngressLimits
  package let json: Bool

  /// `dataHome` is `$XDG_DATA_HOME`. Throws 2 for a bad flag, 78 for a bad file.
  package init(_ flags: ServeFlags, dataHome: String) throws(UserError) {
    let file = try RelayFile(flags.config)
    let domain = flags.domain ?? file.domain
    isFirstRun = domain == nil
    base = try Self.base(domain ?? "localhost")
    let listen = flags.listen ?? file.listen ?? (isFirstRun ? "127.0.0.1:8080" : "[::]:443")
    (listenHost, listenPort) = try Self.address(listen)
    dataDirectory =
      flags.data ?? file.data
      ?? (isFirstRun ? "\(dataHome)/tunnel-relay" : "/var/lib/relay")
    publicURL = try flags.publicURL.map(Self.checked)
    limits = file.limits
    json = flags.json
    guard Self.isLoopback(listenHost) || flags.plainHTTP else {
      throw UserError(
        code: "tls-required",
        message: "\(listen) can be reached from outside, and there is no certificate",
        fix: "listen on 127.0.0.1 behind a proxy that speaks TLS, or say --plain-http",
        exit: .configuration)
    }
  }

  private static func base(_ text: String) throws(UserError) -> DomainName {
    do {
      return try DomainName(text)
    } catch {
      throw UserError(
        code: "usage", message: "--domain: \(error)", fix: "--domain tunnel.example.com",
        exit: .usage)
    }
  }

  /// `HOST:PORT`, `[IPv6]:PORT` or `:PORT`.
  static func address(_ text: String) throws(UserError) -> (host: String, port: Int) {
    let wrong = UserError(
      code: "usage", message: "--listen: `\(text)` is no address",
      fix: "--listen 127.0.0.1:8080, or [::]:443", exit: .usage)
    guard let colon = text.lastIndex(of: ":"),
      let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
    else { throw wrong }
    let host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { return (String(host.dropFirst().dropLast()), port) }
    guard !host.contains(":") else { throw wrong }
    return (host.isEmpty ? "::" : String(host), port)
  }

  private static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host == "::1" || host.hasPrefix("127.")
  }

  private static func checked(_ url: String) throws(UserError) -> String {
    guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
      throw UserError(
        code: "usage", message: "--public-url: `\(url)` is no URL",
        fix: "--public-url https://tunnel.example.com", exit: .usage)
    }
    return url
  }
}

/// `relay.yml`.
struct RelayFile {
  private(set) var domain: String?
  private(set) var listen: String?
  private(set) var data: String?
  private(set) var limits = IngressLimits()

  /// No path is no file. Throws 78 for a file that is missing or wrong.
  init(_ path: String?) throws(UserError) {
    guard let path else { return }
    guard let root = try SettingsFile.read(path) else {
      throw UserError(
        code: "config-file", message: "\(path): there is no such file",
        fix: "check --config", exit: .configuration)
    }
    try root.refuseUnknown(["domain", "listen", "data", "limits"])
    domain = try root.string("domain")
    listen = try root.string("listen")
    data = try root.string("data")
    guard let node = try root.node("limits") else { return }
    try node.refuseUnknown(["header_read_timeout_ms", "keep_alive_timeout_ms"])
    let range = 1...86_400_000
    if let limit = try node.int("header_read_timeout_ms", in: range) {
      limits.firstHead = .milliseconds(Int64(limit))
      limits.laterHead = limits.firstHead
    }
    if let limit = try node.int("keep_alive_timeout_ms", in: range) {
      limits.idle = .milliseconds(Int64(limit))
    }
  }
}
