import NIOCore
import NIOSSL
import Testing
import TunnelCore

@testable import RelayServer

/// What happens before the handshake: a client's hello is read, and chooses.
@Suite("TLS entrance")
struct TLSEntranceTests {
  private static let two: @Sendable (inout ServeOptions) -> Void = { options in
    guard let folder = options.data else { return }
    let chain = try? TestCertificate.write(TestCertificate.other, "other.pem", in: folder)
    let key = try? TestCertificate.write(TestCertificate.otherKey, "other-key.pem", in: folder)
    guard let chain, let key else { return }
    options.tls.append(CertificateFiles(certificate: chain, key: key))
  }

  private func trusting(_ certificate: String) throws -> TLSConfiguration {
    var settings = try TLSConfiguration.forTests
    settings.trustRoots = .certificates([
      try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem)
    ])
    return settings
  }

  @Test(
    "the name that is asked for chooses the certificate",
    arguments: [
      ("other.example", true), ("a.other.example", true), ("tunnel.example", false),
      ("x.tunnel.example", false),
    ])
  func choice(_ name: String, _ isOther: Bool) async throws {
    try await withRelay(isSecure: true, change: Self.two) { relay in
      let settings = try trusting(isOther ? TestCertificate.other : TestCertificate.certificate)
      for version in [TLSVersion.tlsv12, .tlsv13] {
        var settings = settings
        settings.maximumTLSVersion = version
        let client = try await relay.secureClient(settings, name: name)
        #expect(try await client.handshake.next() == "http/1.1")
        try await client.close()
      }
    }
  }

  @Test("a stranger's name, and none, get the first")
  func usual() async throws {
    try await withRelay(isSecure: true, change: Self.two) { relay in
      for name in ["unknown.example", "a.b.other.example", nil] {
        var settings = try trusting(TestCertificate.certificate)
        settings.certificateVerification = .noHostnameVerification
        let client = try await relay.secureClient(settings, name: name)
        #expect(try await client.handshake.next() == "http/1.1")
        try await client.close()
      }
    }
  }

  @Test("what is no hello gets an alert, and an end")
  func alerts() async throws {
    let wrong: [([UInt8], UInt8)] = [
      ([0xff, 0xff], 10), ([22, 3, 1, 0, 0], 50), ([22, 3, 1, 0x40, 0], 22),
      ([22, 3, 1, 0, 5, 1, 0, 0, 1, 3], 50),
    ]
    try await withRelay(isSecure: true) { relay in
      for (bytes, alert) in wrong {
        let client = try await relay.client()
        try await client.channel.writeAndFlush(ByteBuffer(bytes: bytes))
        let (said, _) = try await client.inbox.rest()
        #expect(Array(said.utf8) == [21, 3, 1, 0, 2, 2, alert], "\(bytes)")
      }
    }
  }

  @Test("a client that ends inside its hello is closed at once")
  func ended() async throws {
    try await withRelay(isSecure: true) { relay in
      for bytes in [[UInt8](), [22], [22, 3, 1, 0, 9, 1, 0, 0, 9]] {
        let client = try await relay.client()
        if !bytes.isEmpty { try await client.channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
        try await client.endOutput()
        #expect(try await client.inbox.rest() == ("", .end))
      }
    }
  }

  @Test("each connection that shakes hands is counted, and half a hello no longer than its time")
  func halves() async throws {
    try await withRelay(limits: "tls_handshake_timeout_ms: 200", isSecure: true) { relay in
      var halves: [RawSocket] = []
      for count in 1...20 {
        let half = try await relay.client()
        let bytes = [22, 3, 1, 1, 0, 1, 0, 0, 252] + [UInt8](repeating: 3, count: count)
        try await half.channel.writeAndFlush(ByteBuffer(bytes: bytes))
        halves.append(half)
      }
      for half in halves { #expect(try await half.inbox.rest() == ("", .end)) }
      #expect(try await relay.ask { $0.open.count } == 0)
    }
  }
}
