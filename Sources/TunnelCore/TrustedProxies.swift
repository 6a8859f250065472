/// The proxies whose word about a client counts, and the walk along X-Forwarded-For that finds the
/// client behind them.
package struct TrustedProxies: Sendable, Equatable {
  /// What `--behind-proxy` trusts: proxies on the relay's own machine.
  package static let loopback = ["127.0.0.0/8", "::1"].compactMap { AddressBlock($0) }

  /// Entries that are looked at: a client may send thousands that look trusted.
  static let mostHops = 32

  private let blocks: [AddressBlock]

  package init(_ blocks: [AddressBlock]) { self.blocks = blocks }

  package func contains(_ address: IPAddress) -> Bool {
    blocks.contains { $0.contains(address) }
  }

  /// The client that a trusted `peer` speaks for: of the values of X-Forwarded-For, in their
  /// order, the right-most entry that is not trusted. Each proxy appends whom it saw, so what
  /// stands left of that entry is only the client's own claim. An entry that is no address ends
  /// the walk: the last one before it is the answer, as it is when all are trusted, or the 32 that
  /// are looked at.
  package func client(of peer: IPAddress, forwarded values: [String]) -> IPAddress {
    var last = peer
    var hops = 0
    for value in values.reversed() {
      // By bytes: to `Character`s a comma may be part of what a client put before it.
      var rest = value[...]
      while true {
        let comma = rest.utf8.lastIndex(of: UInt8(ascii: ","))
        let entry = comma.map { rest[rest.utf8.index(after: $0)...] } ?? rest
        guard hops < Self.mostHops, let address = IPAddress(forwarded: entry) else { return last }
        if !contains(address) { return address }
        last = address
        hops += 1
        guard let comma else { break }
        rest = rest[..<comma]
      }
    }
    return last
  }
}
