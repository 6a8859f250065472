import TunnelCore

/// The names and addresses that a certificate is for (subjectAltName), and whether one of them is
/// meant (RFC 9525, section 6). The subject's common name counts for nothing.
struct CertificateNames: Equatable, Sendable {
  /// DNS names as the certificate has them.
  var names: [String] = []
  var addresses: [IPAddress] = []

  /// What a person is shown.
  var all: [String] { names + addresses.map(\.description) }

  static func isName(_ host: String) -> Bool { IPAddress(host) == nil }

  /// `host` is a name or an address without brackets. An address is never matched by a name.
  func include(_ host: String) -> Bool {
    if let address = IPAddress(host) { return addresses.contains(address) }
    return names.contains { Self.matches($0, host) }
  }

  /// A wildcard stands for one whole label, the first, with at least two behind it.
  private static func matches(_ pattern: String, _ host: String) -> Bool {
    let pattern = labels(pattern)
    let host = labels(host)
    guard pattern.count == host.count, !host.contains("") else { return false }
    guard pattern.first == "*" else { return pattern == host }
    return pattern.count >= 3 && pattern.dropFirst() == host.dropFirst()
  }

  /// In lower case, without the final dot.
  private static func labels(_ name: String) -> [Substring] {
    let name = name.lowercased()
    return (name.hasSuffix(".") ? name.dropLast() : name[...])
      .split(separator: ".", omittingEmptySubsequences: false)
  }
}
