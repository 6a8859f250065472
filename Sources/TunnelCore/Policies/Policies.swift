/// All that an agent declares about the requests of one endpoint: who is let in, how often, and
/// what is changed in the heads (product.md, sections 3 and 4). The relay keeps the last
/// declaration with the domain, and it holds while the agent is away.
///
/// A request meets the rules in this order: address, rate, password. The rate comes before the
/// password, so that guessing is slow.
package struct Policies: Sendable, Equatable {
  package var addresses = AddressRule()
  package var rate: RateLimit?
  /// Whoever has one of them is let in; none: everybody is.
  package var passwords: [PasswordHash] = []
  package var request = FieldEdits()
  package var response = FieldEdits()
  /// What the app gets as Host; nil: what was sent.
  package var host: HostValue?

  package init() {}

  package var isEmpty: Bool { self == Policies() }

  /// What stands in for a declaration that is kept but cannot be read: nobody is let in.
  package static let closed: Policies = {
    var policies = Policies()
    policies.addresses.deny = ["0.0.0.0/0", "::/0"].compactMap { AddressBlock($0) }
    return policies
  }()
}
