import Crypto
import NIOCore
import NIOPosix
import NIOSSL
import SessionLink
import TunnelCore

/// One question to a running relay.
package struct HealthProbe: Sendable {
  /// How the relay is known to be the one that is meant.
  package enum Trust: Sendable {
    case plainHTTP
    /// By one of these certificates alone, each as SHA-256 in hex: on loopback no name fits, and a
    /// certificate that has expired is not this question's matter.
    case certificates([String])
    /// As everybody does: by the system's authorities, and the host's name.
    case authorities
  }

  private let host: String
  private let port: Int
  private let trust: Trust

  package init(host: String, port: Int, trust: Trust) {
    self.host = host
    self.port = port
    self.trust = trust
  }

  /// The status of `GET` on that path. Throws `unhealthy` where nothing answers in time.
  package func status(path: String) async throws(UserError) -> Int {
    let request = ByteBuffer(
      string: "GET \(path) HTTP/1.1\r\nHost: localhost:\(port)\r\nConnection: close\r\n\r\n")
    do {
      let loop = MultiThreadedEventLoopGroup.singleton.next()
      var dialer = Dialer(host: host, port: port)
      dialer.prepare = try prepare()
      return try await dialer.ask(request, on: loop).map { answer in
        if case .message(let status, _, _) = answer { status } else { 101 }
      }.get()
    } catch {
      throw UserError(code: "unhealthy", message: "nothing answers at \(host):\(port): \(error)")
    }
  }

  private func prepare() throws -> (@Sendable (any Channel) throws -> Void)? {
    if case .plainHTTP = trust { return nil }
    var settings = TLSConfiguration.makeClientConfiguration()
    if case .certificates = trust {
      settings.certificateVerification = .noHostnameVerification
      // The system's authorities are not asked; a small machine or image has none to load.
      settings.trustRoots = .certificates([])
    }
    let context = try NIOSSLContext(configuration: settings)
    let name = IPAddress(host) == nil ? host : nil
    return { [trust] channel in
      let handler =
        if case .certificates(let fingerprints) = trust {
          try NIOSSLClientHandler(
            context: context, serverHostname: nil,
            customVerificationCallback: { chain, promise in
              let shown = try? chain.first.map { SHA256.hash(data: try $0.toDERBytes()) }
              let fits = shown.map(ServerCertificate.hex).map(fingerprints.contains) ?? false
              promise.succeed(fits ? .certificateVerified : .failed)
            })
        } else {
          try NIOSSLClientHandler(context: context, serverHostname: name)
        }
      try channel.pipeline.syncOperations.addHandler(handler)
    }
  }
}
