import NIOSSL

/// Whom this agent believes: the system's store and what was added to it. There is no way to
/// believe everybody.
package struct TrustStore: Sendable {
  /// Why no store came about.
  package enum Fault: Error, Equatable, Sendable {
    /// A text without a single certificate in PEM, or with a broken one.
    case noCertificates
    /// The system has no store, and nothing was added.
    case empty
  }

  let context: NIOSSLContext

  /// What a person adds: certificates in PEM, one text after the other.
  package struct Additions: Sendable {
    fileprivate var certificates: [NIOSSLCertificate] = []

    package init() {}

    package var isEmpty: Bool { certificates.isEmpty }

    /// Throws `noCertificates`, and adds nothing then.
    package mutating func add(pem: [UInt8]) throws(Fault) {
      guard let found = try? NIOSSLCertificate.fromPEMBytes(pem), !found.isEmpty else {
        throw .noCertificates
      }
      certificates += found
    }
  }

  package init(adding additions: Additions = .init()) throws(Fault) {
    let own = additions.certificates
    // A system without any store of its own makes the first of these fail.
    if let context = Self.context(.default, own) {
      self.context = context
    } else if !own.isEmpty, let context = Self.context(.certificates(own), []) {
      self.context = context
    } else {
      throw .empty
    }
  }

  private static func context(
    _ roots: NIOSSLTrustRoots, _ more: [NIOSSLCertificate]
  ) -> NIOSSLContext? {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.trustRoots = roots
    if !more.isEmpty { configuration.additionalTrustRoots = [.certificates(more)] }
    configuration.applicationProtocols = ["http/1.1"]
    // The chain is verified here, the name by `SecureHandler` with `CertificateNames`: NIOSSL's
    // own check takes the address of the socket for a name too, and that may be a proxy's.
    configuration.certificateVerification = .noHostnameVerification
    // An agent that stops has no time for a peer that never says goodbye.
    configuration.shutdownTimeout = .milliseconds(200)
    return try? NIOSSLContext(configuration: configuration)
  }
}
