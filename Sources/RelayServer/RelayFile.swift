import NIOCore
import SettingsFile
import TunnelCore

/// `relay.yml`.
struct RelayFile {
  private(set) var domain: DomainName?
  private(set) var listen: ListenAddress?
  private(set) var data: String?
  private(set) var publicURL: String?
  private(set) var tls: CertificateFiles?
  private(set) var behindProxy = false
  private(set) var trustedProxies: [AddressBlock] = []
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
      "domain", "listen", "data", "public_url", "tls_cert", "tls_key", "behind_proxy",
      "trusted_proxies", "limits",
    ])
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
    if let node = try root.node("public_url") {
      publicURL = try node.asString()
      guard PublicURL.isURL(publicURL ?? "") else {
        throw node.fault("this is no address, such as https://tunnel.example.com")
      }
    }
    try readCertificate(root)
    behindProxy = try root.bool("behind_proxy") ?? false
    for node in try root.list("trusted_proxies") {
      let text = try node.asString()
      guard let block = AddressBlock(text) else {
        throw node.fault("`\(text)` is no address or block, such as 10.0.0.0/8")
      }
      trustedProxies.append(block)
    }
    if let node = try root.node("limits") { limits = try IngressLimits(node) }
  }

  private mutating func readCertificate(_ root: SettingsNode) throws(UserError) {
    let (certificate, key) = (try root.string("tls_cert"), try root.string("tls_key"))
    if certificate == nil, key == nil { return }
    guard let certificate, let key else {
      let one = try root.node(certificate == nil ? "tls_key" : "tls_cert") ?? root
      throw one.fault("`tls_cert` and `tls_key` go together")
    }
    tls = CertificateFiles(certificate: certificate, key: key)
  }
}
