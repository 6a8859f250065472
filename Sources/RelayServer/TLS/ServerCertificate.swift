import Crypto
import NIOCore
import NIOSSL
import SessionLink
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// Where a certificate's chain and its key lie, both PEM.
package struct CertificateFiles: Sendable, Equatable {
  package let certificate: String
  package let key: String

  package init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

/// A certificate that the listener can show, with its key: TLS 1.2 and 1.3, and of 1.2 only what
/// has forward secrecy and authenticated encryption. No renegotiation, no compression.
/// `load` throws `certificate-unusable` (78) with the path and the cause.
struct ServerCertificate: Sendable {
  private static let largest = 1 << 20
  /// What the ingress speaks, the one that is preferred first: what ALPN agrees on.
  static let applicationProtocols = [http2, "http/1.1"]
  static let http2 = "h2"
  /// Of TLS 1.2 (RFC 9325, section 4.2); those of 1.3 are all good.
  private static let ciphers: [NIOTLSCipher] = [
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  ]

  let files: CertificateFiles
  let context: NIOSSLContext
  /// SHA-256 of the leaf, in hex: by it `relay healthcheck` knows its own relay.
  let fingerprint: String
  /// SHA-256 of both files.
  let contents: [UInt8]
  /// The DNS names that it is for.
  let names: [String]
  /// Seconds since 1970.
  private let valid: ClosedRange<Int>

  static func load(_ files: CertificateFiles) throws(UserError) -> ServerCertificate {
    let chain: [NIOSSLCertificate]
    let text = try read(files.certificate)
    do { chain = try NIOSSLCertificate.fromPEMBytes(text) } catch { chain = [] }
    guard let leaf = chain.first, let der = try? leaf.toDERBytes() else {
      throw fault(files.certificate, "holds no certificate in PEM", "give the whole chain in PEM")
    }
    let secret = try read(files.key)
    guard let key = try? NIOSSLPrivateKey(bytes: secret, format: .pem) else {
      throw fault(
        files.key, "holds no private key in PEM, or one with a passphrase",
        "give the certificate's own key in PEM, without a passphrase")
    }
    var settings = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    settings.minimumTLSVersion = .tlsv12
    settings.cipherSuiteValues = ciphers
    settings.applicationProtocols = applicationProtocols
    // RFC 8446, section 6.1: nobody need wait for the other side's close_notify. What must still be
    // heard of it the ingress waits for itself, with a deadline.
    settings.shutdownTimeout = .zero
    guard let context = try? NIOSSLContext(configuration: settings) else {
      throw fault(
        files.key, "is not the key of \(files.certificate)",
        "give the two files that were made together")
    }
    let (from, until) = (Int(leaf.notValidBefore), Int(leaf.notValidAfter))
    return ServerCertificate(
      files: files, context: context, fingerprint: hex(SHA256.hash(data: der)),
      contents: Array(SHA256.hash(data: text + [0] + secret)), names: leaf.dnsNames,
      valid: from...max(from, until))
  }

  /// What visitors will complain of, at this time in seconds since 1970.
  func concern(at now: Int) -> String? {
    if now > valid.upperBound { return "the certificate has expired" }
    return now < valid.lowerBound ? "the certificate is not valid yet" : nil
  }

  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func read(_ path: String) throws(UserError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= largest else {
        throw fault(path, "is larger than 1 MiB", "give a certificate's file in PEM")
      }
    }
  }

  private static func unreadable(_ path: String) -> UserError {
    fault(
      path, "cannot be read: \(String(cString: strerror(errno)))",
      "check the path, and that the relay's user may read it")
  }

  private static func fault(_ path: String, _ cause: String, _ fix: String) -> UserError {
    UserError(
      code: "certificate-unusable", message: "\(path) \(cause)", fix: fix, exit: .configuration)
  }
}
