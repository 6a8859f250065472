import NIOSSL
import TunnelCore
import X509

#if canImport(Glibc)
  import Glibc
#endif

/// What a peer's certificate says of itself. It proves nothing: it only explains.
struct PeerCertificate {
  let issuer: String
  let subject: String
  let isSelfSigned: Bool
  let names: CertificateNames
  /// Seconds since 1970.
  private let begin: Int
  private let end: Int

  init?(_ leaf: NIOSSLCertificate) {
    guard let bytes = try? leaf.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes)
    else { return nil }
    issuer = parsed.issuer.description
    subject = parsed.subject.description
    isSelfSigned = parsed.issuer == parsed.subject
    begin = leaf.notValidBefore
    end = leaf.notValidAfter
    var names = CertificateNames()
    for name in (try? parsed.extensions.subjectAlternativeNames).flatMap(\.self) ?? .init() {
      switch name {
      case .dnsName(let text): names.names.append(text)
      case .ipAddress(let octets):
        if let address = IPAddress(octets: Array(octets.bytes)) { names.addresses.append(address) }
      default: break
      }
    }
    self.names = names
  }

  /// Why its chain was not accepted, at `now` in seconds since 1970.
  func refusal(at now: Int) -> TLSFault {
    if now < begin { return .notYetValid(Self.text(begin)) }
    if now > end { return .expired(Self.text(end)) }
    return isSelfSigned ? .selfSigned(subject) : .unknownIssuer(issuer)
  }

  /// `2026-11-21 08:00 UTC`.
  private static func text(_ seconds: Int) -> String {
    var seconds = seconds
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "\(seconds)" }
    let two = { (number: CInt) in (number < 10 ? "0" : "") + "\(number)" }
    return "\(1_900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + " \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
  }
}

extension NIOSSLCertificate {
  /// The DNS names that it is for; none where it cannot be read.
  package var dnsNames: [String] { PeerCertificate(self)?.names.names ?? [] }
}

extension IPAddress {
  /// The four or sixteen octets of a subjectAltName (RFC 5280, section 4.2.1.6).
  init?(octets: [UInt8]) {
    switch octets.count {
    case 4: self.init(octets.map(String.init).joined(separator: "."))
    case 16:
      let groups = stride(from: 0, to: 16, by: 2).map {
        String(UInt16(octets[$0]) << 8 | UInt16(octets[$0 + 1]), radix: 16)
      }
      self.init(groups.joined(separator: ":"))
    default: return nil
    }
  }
}
