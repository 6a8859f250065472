import NIOCore
import SettingsFile
import TunnelCore

/// What `relay serve` does, checked: flags over `relay.yml` over defaults (product.md, section 4).
package struct ServeSettings: Sendable {
  package let base: DomainName
  package let listen: ListenAddress
  package let dataDirectory: String
  /// How the outside writes this relay's address; nil is what it listens on.
  package let publicURL: String?
  /// Without a domain: a relay for one person, with an account `dev` that it makes by itself.
  package let isFirstRun: Bool
  let limits: IngressLimits
  package let json: Bool

  /// `usualData` is the data directory where none was named, of a first run or not. Throws 78 for
  /// what cannot be served like that.
  package init(
    _ options: ServeOptions, usualData: (_ isFirstRun: Bool) -> String
  ) throws(UserError) {
    guard !options.behindProxy, options.trustedProxies.isEmpty else {
      throw UserError(
        code: "usage", message: "--behind-proxy and --trusted-proxy are not in this version yet",
        fix: "leave them out: the proxy's X-Forwarded-* are replaced by what the relay sees",
        exit: .usage)
    }
    let file = try RelayFile(options.config)
    let domain = options.domain ?? file.domain
    isFirstRun = domain == nil
    base = if let domain { domain } else { try Self.localhost() }
    let usual = isFirstRun ? "127.0.0.1:8080" : "[::]:443"
    guard let address = options.listen ?? file.listen ?? ListenAddress(usual) else {
      throw UserError(code: "internal", message: "no address to listen on")
    }
    listen = address
    dataDirectory = options.data ?? file.data ?? usualData(isFirstRun)
    publicURL = options.publicURL
    limits = file.limits
    json = options.json
    guard address.isLoopback || options.plainHTTP else {
      throw UserError(
        code: "tls-required",
        message: "\(address) can be reached from outside, and there is no certificate",
        fix: "listen on 127.0.0.1 behind a proxy that speaks TLS, or say --plain-http",
        exit: .configuration)
    }
  }

  private static func localhost() throws(UserError) -> DomainName {
    do {
      return try DomainName("localhost")
    } catch {
      throw UserError(code: "internal", message: "\(error)")
    }
  }
}

extension ListenAddress {
  var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}

/// `relay.yml`.
struct RelayFile {
  private(set) var domain: DomainName?
  private(set) var listen: ListenAddress?
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
    if let node = try root.node("domain") {
      do { domain = try DomainName(node.asString()) } catch let fault as NameFault {
        throw node.fault("\(fault)")
      } catch let error as UserError { throw error } catch { throw node.fault("\(error)") }
    }
    if let node = try root.node("listen") {
      listen = ListenAddress(try node.asString())
      if listen == nil { throw node.fault("this is no address, such as 127.0.0.1:8080") }
    }
    data = try root.string("data")
    if let node = try root.node("limits") { try read(node) }
  }

  private mutating func read(_ node: SettingsNode) throws(UserError) {
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
