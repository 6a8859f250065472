import Crypto
import Foundation
import NIOCore
import NIOSSL
import X509

@testable import SessionLink

/// A certificate authority of a test's own.
struct TestAuthority {
  let certificate: Certificate
  private let key = P256.Signing.PrivateKey()

  init(_ name: String = "Test Root") throws {
    let subject = try DistinguishedName { CommonName(name) }
    certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
      notValidBefore: Date().addingTimeInterval(-3_600),
      notValidAfter: Date().addingTimeInterval(3_600), issuer: subject, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        KeyUsage(keyCertSign: true)
      }, issuerPrivateKey: .init(key))
  }

  /// Valid from `begin` to `end`, in seconds from now.
  func identity(
    names: [String] = ["localhost"], addresses: [[UInt8]] = [], begin: Double = -60,
    end: Double = 3_600
  ) throws -> TestIdentity {
    try TestIdentity(names, addresses, begin, end, issuer: (certificate.subject, key))
  }

  var trust: TrustStore { get throws { try Self.trust(certificate) } }

  static func trust(_ certificate: Certificate) throws -> TrustStore {
    var additions = TrustStore.Additions()
    try additions.add(pem: Array(try certificate.serializeAsPEM().pemString.utf8))
    return try TrustStore(adding: additions)
  }
}

/// A server's certificate and key.
struct TestIdentity {
  let certificate: Certificate
  private let key = P256.Signing.PrivateKey()

  /// Without an issuer it signs itself.
  init(
    _ names: [String], _ addresses: [[UInt8]] = [], _ begin: Double = -60, _ end: Double = 3_600,
    issuer: (name: DistinguishedName, key: P256.Signing.PrivateKey)? = nil
  ) throws {
    let subject = try DistinguishedName { CommonName(names.first ?? "nobody") }
    let general =
      names.map { GeneralName.dnsName($0) }
      + addresses.map { GeneralName.ipAddress(.init(contentBytes: $0[...])) }
    certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
      notValidBefore: Date().addingTimeInterval(begin),
      notValidAfter: Date().addingTimeInterval(end), issuer: issuer?.name ?? subject,
      subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        if !general.isEmpty { SubjectAlternativeNames(general) }
      }, issuerPrivateKey: .init(issuer?.key ?? key))
  }

  func server(
    _ change: (inout TLSConfiguration) -> Void = { _ in }
  ) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: [
        .certificate(
          try NIOSSLCertificate(
            bytes: Array(try certificate.serializeAsPEM().pemString.utf8), format: .pem))
      ],
      privateKey: .privateKey(
        try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)))
    configuration.applicationProtocols = ["http/1.1"]
    change(&configuration)
    return try NIOSSLContext(configuration: configuration)
  }
}

extension RawListener {
  /// Each peer is a TLS server.
  static func bind(_ host: String = "127.0.0.1", tls: NIOSSLContext) async throws -> RawListener {
    try await bind(host) { channel in
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
    }
  }
}

extension RawSocket {
  /// From here on it is a TLS server; the peer must not have begun. Sends `yes` below TLS.
  func secure(_ tls: NIOSSLContext, _ yes: String) async throws {
    let channel = channel
    try await channel.eventLoop.flatSubmit {
      let handler = NIOSSLServerHandler(context: tls)
      let sent = channel.eventLoop.makePromise(of: Void.self)
      do {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(handler, position: .first)
        try pipeline.context(handler: handler)
          .writeAndFlush(NIOAny(ByteBuffer(string: yes)), promise: sent)
      } catch {
        sent.fail(error)
      }
      return sent.futureResult
    }.get()
  }
}
