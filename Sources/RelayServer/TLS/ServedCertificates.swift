import Logging
import TunnelCore

/// The certificates of the listener, in the order of the settings; at least one.
struct ServedCertificates: Sendable {
  let all: [ServerCertificate]
  /// For visitors that name nobody, or a name that no certificate is for: the first.
  let usual: ServerCertificate
  let choice: CertificateChoice

  /// Nil if there are none.
  init?(_ all: [ServerCertificate]) {
    guard let first = all.first else { return nil }
    self.all = all
    usual = first
    choice = CertificateChoice(all.map(\.names))
  }

  /// Throws `certificate-unusable` (78) for the first that cannot be used.
  static func load(_ files: [CertificateFiles]) throws(UserError) -> ServedCertificates? {
    var all: [ServerCertificate] = []
    for files in files { all.append(try ServerCertificate.load(files)) }
    return ServedCertificates(all)
  }

  /// What a client is shown for its hello.
  func certificate(for hello: ClientHello) -> ServerCertificate {
    let place = choice.place(for: hello.serverName)
    return all.indices.contains(place) ? all[place] : usual
  }

  /// What an operator should know of them, at `now` in seconds since 1970.
  func warn(_ logger: Logger, at now: Int) {
    for certificate in all {
      guard let concern = certificate.concern(at: now) else { continue }
      logger.warning("\(concern)", metadata: ["path": "\(certificate.files.certificate)"])
    }
    for name in choice.shadowed {
      logger.warning(
        "two certificates are for one name, the first is shown",
        metadata: [
          "name": "\(name.name)", "shown": "\(all[name.shown].files.certificate)",
          "hidden": "\(all[name.hidden].files.certificate)",
        ])
    }
  }
}
