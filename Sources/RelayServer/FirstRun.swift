import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// What the relay of one person leaves where an agent of the same user finds it, beside the
/// authtoken of the account `dev` (product.md, "First run").
enum FirstRun {
  static func leaveAddress(_ urls: PublicURL, in directory: String) throws(UserError) {
    let path = directory + "/relay.url"
    let text = Array("http://127.0.0.1:\(urls.listening)\n".utf8)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0, write(file, text, text.count) == text.count, close(file) == 0 else {
      throw UserError(
        code: "data-unusable", message: "\(path): \(String(cString: strerror(errno)))",
        exit: .configuration)
    }
  }
}
