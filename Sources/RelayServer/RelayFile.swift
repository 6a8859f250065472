import NIOCore
import SettingsFile
import TunnelCore

/// `relay.yml`.
struct RelayFile {
  private(set) var domain: DomainName?
  private(set) var listen: ListenAddress?
  private(set) var data: String?
  private(set) var publicURL: String?
  private(set) var tls: [CertificateFiles] = []
  private(set) var redirect: ListenAddress?
  private(set) var behindProxy = false
  private(set) var trustedProxies: [AddressBlock] = []
  private(set) var tcpPorts: TCPOffer?
  private(set) var limits = IngressLimits()

  /// No path is no file. Throws 78 for a file that is missing or wrong.
  init(_ path: String?) throws(UserError) {
    guard let path else { return }
    guard let root = try SettingsFile.read(path) else {
      throw UserError(
        code: "config-file", message: "\(path): there is no such file",
        fix: "check --config", exit: .configuration)
    }
    try root.refuseUnknown([
      "domain", "listen", "data", "public_url", "tls_cert", "tls_key", "tls", "redirect_listen",
      "behind_proxy", "trusted_proxies", "tcp_ports", "limits",
    ])
    if let node = try root.node("domain") {
      do { domain = try DomainName(node.asString()) } catch let fault as NameFault {
        throw node.fault("\(fault)")
      } catch let error as UserError { throw error } catch { throw node.fault("\(error)") }
    }
    listen = try Self.address("listen", root)
    redirect = try Self.address("redirect_listen", root)
    data = try root.string("data")
    if let node = try root.node("public_url") {
      publicURL = try node.asString()
      guard PublicURL.isURL(publicURL ?? "") else {
        throw node.fault("this is no address, such as https://tunnel.example.com")
      }
    }
    try readCertificates(root)
    behindProxy = try root.bool("behind_proxy") ?? false
    for node in try root.list("trusted_proxies") {
      let text = try node.asString()
      guard let block = AddressBlock(text) else {
        throw node.fault("`\(text)` is no address or block, such as 10.0.0.0/8")
      }
      trustedProxies.append(block)
    }
    if let node = try root.node("tcp_ports") {
      let text = try node.asString()
      do throws(UserError) { tcpPorts = try TCPOffer(text) } catch {
        throw node.fault(error.message, fix: error.fix)
      }
    }
    if let node = try root.node("limits") { limits = try IngressLimits(node) }
  }

  private static func address(
    _ key: String, _ root: SettingsNode
  ) throws(UserError) -> ListenAddress? {
    guard let node = try root.node(key) else { return nil }
    guard let address = ListenAddress(try node.asString()) else {
      throw node.fault("this is no address, such as 127.0.0.1:8080")
    }
    return address
  }

  /// `tls_cert` and `tls_key` for one certificate, `tls: [{cert, key}]` for more; that order.
  private mutating func readCertificates(_ root: SettingsNode) throws(UserError) {
    if let one = try Self.pair(root, "tls_cert", "tls_key") { tls.append(one) }
    for node in try root.list("tls") {
      try node.refuseUnknown(["cert", "key"])
      guard let pair = try Self.pair(node, "cert", "key") else {
        throw node.fault("a certificate has `cert` and `key`")
      }
      tls.append(pair)
    }
  }

  private static func pair(
    _ node: SettingsNode, _ certificateKey: String, _ keyKey: String
  ) throws(UserError) -> CertificateFiles? {
    let (certificate, key) = (try node.string(certificateKey), try node.string(keyKey))
    if certificate == nil, key == nil { return nil }
    guard let certificate, let key else {
      let one = try node.node(certificate == nil ? keyKey : certificateKey) ?? node
      throw one.fault("`\(certificateKey)` and `\(keyKey)` go together")
    }
    return CertificateFiles(certificate: certificate, key: key)
  }
}
