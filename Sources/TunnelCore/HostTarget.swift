/// What the value of a Host field points at (RFC 9110, 7.2; RFC 3986, 3.2.2). A name is matched
/// without its port, in lower case and with one final dot dropped. Nil means that the value is no
/// host at all: the exchange is refused as `bad-request`.
package enum HostTarget: Equatable, Sendable {
  case name(DomainName)
  /// An IPv4 or `[IPv6]` literal: the relay itself.
  case address
  case localhost

  package init?(host: Span<UInt8>) {
    guard host.count > 0 else { return nil }
    if host[0] == UInt8(ascii: "[") {
      guard let close = HostTarget.firstIndex(of: UInt8(ascii: "]"), in: host) else { return nil }
      guard HostTarget.isPort(host, from: close + 1) else { return nil }
      guard AddressLiteral.isIPv6(host.extracting(1..<close)) else { return nil }
      self = .address
      return
    }
    let end = HostTarget.firstIndex(of: UInt8(ascii: ":"), in: host) ?? host.count
    guard end > 0, end <= DomainName.lengthLimit + 1 else { return nil }
    guard HostTarget.isPort(host, from: end) else { return nil }
    let name = host.extracting(0..<end)
    if AddressLiteral.isIPv4(name) {
      self = .address
      return
    }
    guard let domain = DomainName(host: name) else { return nil }
    self = domain.text == "localhost" ? .localhost : .name(domain)
  }

  /// Empty, or `:` and at most 65535 (RFC 3986 allows an empty port behind the colon).
  private static func isPort(_ host: Span<UInt8>, from start: Int) -> Bool {
    guard start < host.count else { return true }
    guard host[start] == UInt8(ascii: ":"), host.count - start <= 6 else { return false }
    var port = 0
    for index in start + 1..<host.count {
      guard let digit = AddressLiteral.digit(host[index]) else { return false }
      port = port * 10 + digit
    }
    return port <= 65_535
  }

  private static func firstIndex(of byte: UInt8, in span: Span<UInt8>) -> Int? {
    for index in span.indices where span[index] == byte { return index }
    return nil
  }
}
