import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// `DATA/relay.url`: where this relay can be reached on its own machine. `relay healthcheck` reads
/// it, and on a first run the agent of the same user, beside the authtoken of the account `dev`.
enum AddressFile {
  static func write(_ urls: PublicURL, in directory: String) throws(UserError) {
    let path = directory + "/relay.url"
    let text = Array("http://127.0.0.1:\(urls.listening)\n".utf8)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0, Glibc.write(file, text, text.count) == text.count, close(file) == 0 else {
      throw UserError(
        code: "data-unusable", message: "\(path): \(String(cString: strerror(errno)))",
        exit: .configuration)
    }
  }
}
