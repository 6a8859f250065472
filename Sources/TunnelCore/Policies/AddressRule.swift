/// Which client addresses are let in. What is denied is refused, whatever is allowed; where
/// something is allowed, everybody else is refused.
package struct AddressRule: Sendable, Equatable {
  package var allow: [AddressBlock] = []
  package var deny: [AddressBlock] = []

  package init() {}

  package var isEmpty: Bool { allow.isEmpty && deny.isEmpty }

  /// Nil for who is let in. An address that is not known is not let in.
  package func refusal(of address: IPAddress?) -> Refusal? {
    if isEmpty { return nil }
    guard let address else {
      return Refusal(.policyCIDR, "This tunnel looks at addresses, and yours is not known.")
    }
    let isDenied = deny.contains { $0.names(address) }
    let isAllowed = allow.isEmpty || allow.contains { $0.names(address) }
    if isAllowed, !isDenied { return nil }
    return Refusal(.policyCIDR, "This tunnel does not let in \(address).")
  }

  package static func block(_ text: String) throws(PolicyFault) -> AddressBlock {
    if let block = AddressBlock(text) { return block }
    throw PolicyFault(
      "`\(VisibleText.of(text))` is no block of addresses",
      fix: "an address or a CIDR block: 203.0.113.7, 10.0.0.0/8, 2001:db8::/32")
  }
}
