import NIOCore
import NIOSSL
import NIOTLS

/// Watches one TLS handshake from behind NIOSSL, verifies the name, and says once how it went:
/// what went wrong is explained by the peer's certificate. Nothing is written before it said yes.
final class SecureHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let host: String
  private let tls: NIOSSLClientHandler
  private let firstBytes: FirstBytes
  private var done: ((TLSFault?) -> Void)?

  /// Adds TLS at the end of the pipeline. `host` is a name or an address without brackets.
  static func add(
    to channel: any Channel, _ trust: TrustStore, host: String,
    done: @escaping (TLSFault?) -> Void
  ) {
    do {
      // An address is no SNI (RFC 6066, section 3).
      let name = CertificateNames.isName(host) ? host : nil
      let tls = try NIOSSLClientHandler(context: trust.context, serverHostname: name)
      let firstBytes = FirstBytes()
      try channel.pipeline.syncOperations.addHandlers(
        firstBytes, SecureHandler(host, tls, firstBytes, done))
      try channel.pipeline.syncOperations.addHandler(
        tls, position: .after(firstBytes))
    } catch {
      done(.broken("\(error)"))
    }
  }

  private init(
    _ host: String, _ tls: NIOSSLClientHandler, _ firstBytes: FirstBytes,
    _ done: @escaping (TLSFault?) -> Void
  ) {
    self.host = host
    self.tls = tls
    self.firstBytes = firstBytes
    self.done = done
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard done != nil, case .handshakeCompleted? = event as? TLSUserEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    guard let certificate = tls.peerCertificate.flatMap(PeerCertificate.init) else {
      return say(.broken("its certificate cannot be read"))
    }
    guard certificate.names.include(host) else { return say(.wrongName(certificate.names.all)) }
    say(nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard done != nil else {
      // The frames of a link have lengths of their own, so has an answer's body: an end without a
      // goodbye is an end.
      if case NIOSSLError.uncleanShutdown = error { return }
      return context.fireErrorCaught(error)
    }
    say(explain(error))
  }

  func channelInactive(context: ChannelHandlerContext) {
    guard done == nil else { return say(Self.ended) }
    context.fireChannelInactive()
  }

  private func say(_ fault: TLSFault?) {
    let done = done
    self.done = nil
    done?(fault)
  }

  private func explain(_ error: any Error) -> TLSFault {
    if firstBytes.areHTTP { return .plainHTTP }
    if firstBytes.areForeign { return .noTLS }
    if error is IOError { return Self.ended }
    guard case NIOSSLError.handshakeFailed(let why) = error else { return .broken("\(error)") }
    guard case .sslError(let stack) = why, let last = stack.last,
      !stack.contains(.eofDuringHandshake)
    else { return Self.ended }
    let text = stack.map(\.description).joined()
    if text.contains("CERTIFICATE_VERIFY_FAILED") {
      let certificate = tls.peerCertificate.flatMap(PeerCertificate.init)
      return certificate?.refusal(at: Int(WallClock.milliseconds() / 1_000))
        ?? .broken("its certificate was not accepted")
    }
    return .broken(Self.reason(last.description))
  }

  private static let ended = TLSFault.broken("the connection ended during the handshake")

  /// The words of BoringSSL's reason: `…:OPENSSL_internal:TLSV1_ALERT_… at …`.
  private static func reason(_ text: String) -> String {
    guard let mark = text.firstRange(of: "OPENSSL_internal:") else { return text }
    return text[mark.upperBound...].prefix { $0 != " " }.lowercased()
      .replacing("_", with: " ")
  }
}

/// Stands in front of TLS and looks at what the peer says first: a TLS record, or something else.
private final class FirstBytes: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private var bytes: [UInt8] = []

  var areHTTP: Bool { bytes.starts(with: "HTTP/".utf8) }
  /// Neither a handshake's nor an alert's record (RFC 8446, section 5.1).
  var areForeign: Bool { bytes.first.map { $0 != 0x15 && $0 != 0x16 } ?? false }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if bytes.count < 5 {
      bytes += unwrapInboundIn(data).readableBytesView.prefix(5 - bytes.count)
    }
    context.fireChannelRead(data)
  }
}
