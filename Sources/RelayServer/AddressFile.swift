import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// `DATA/relay.url`: where this relay can be reached on its own machine, and below that, with TLS,
/// the SHA-256 of the certificate that it shows (`sha256 HEX`). `relay healthcheck` reads it, and
/// on a first run the agent of the same user, beside the authtoken of the account `dev`.
enum AddressFile {
  static func write(
    _ settings: ServeSettings, port: Int, _ certificate: ServerCertificate?
  ) throws(UserError) {
    let path = settings.dataDirectory + "/relay.url"
    let here = ListenAddress(host: settings.listen.localHost, port: port)
    var lines = "\(settings.scheme)://\(here)\n"
    if let certificate { lines += "sha256 \(certificate.fingerprint)\n" }
    let text = Array(lines.utf8)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0, Glibc.write(file, text, text.count) == text.count, close(file) == 0 else {
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
