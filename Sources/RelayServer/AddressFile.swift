import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// `DATA/relay.url`: where this relay can be reached on its own machine, and below that, with TLS,
/// the SHA-256 of the certificate that it shows to who names nobody (`sha256 HEX`), of two while
/// one is renewed. `relay healthcheck` reads it, and on a first run the agent of the same user,
/// beside the authtoken of the account `dev`. It is replaced whole: a reader never sees half of it.
enum AddressFile {
  static func write(
    _ settings: ServeSettings, port: Int, _ certificates: [ServerCertificate]
  ) throws(UserError) {
    let path = settings.dataDirectory + "/relay.url"
    let here = ListenAddress(host: settings.listen.localHost, port: port)
    var lines = "\(settings.scheme)://\(here)\n"
    for certificate in certificates { lines += "sha256 \(certificate.fingerprint)\n" }
    let text = Array(lines.utf8)
    let fresh = path + ".new"
    let file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0, Glibc.write(file, text, text.count) == text.count, close(file) == 0,
      rename(fresh, path) == 0
    else {
      throw UserError(
        code: "data-unusable", message: "\(path): \(String(cString: strerror(errno)))",
        exit: .configuration)
    }
  }
}

extension ListenAddress {
  /// Where this machine itself reaches what listens there.
  fileprivate var localHost: String { ["::", "0.0.0.0"].contains(host) ? "127.0.0.1" : host }
}
