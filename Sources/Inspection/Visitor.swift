/// Who asks the agent's web address, as far as a browser tells.
///
/// A page of a stranger may have any name point to 127.0.0.1 (DNS rebinding), or may send a request
/// here across origins. The first shows in Host, the second in Origin and Sec-Fetch-Site (Fetch
/// Metadata, W3C). Programs such as curl send neither of the latter and are let in: they are this
/// user's own, or another user's whom no field could stop.
package struct Visitor: Sendable {
  /// The Host field, or `:authority`.
  package var host: String?
  package var origin: String?
  /// Sec-Fetch-Site.
  package var site: String?

  package init(host: String?, origin: String? = nil, site: String? = nil) {
    self.host = host
    self.origin = origin
    self.site = site
  }

  /// Why this one is not answered; nil lets it in.
  package var refusal: String? {
    guard let host, Visitor.isLoopback(host) else {
      return "the Host is none of this machine's own: localhost, 127.0.0.1 or [::1]"
    }
    // Another port of this machine is another origin: its app may be anybody's.
    if let origin, origin.lowercased() != "http://\(host.lowercased())" {
      return "the request comes from a page of another origin"
    }
    // `none` is a person who typed the address.
    if let site, site != "same-origin", site != "none" {
      return "the request comes from a page of another site"
    }
    return nil
  }

  /// `HOST[:PORT]` (RFC 9110, section 7.2) with a host that no name service decides about.
  static func isLoopback(_ authority: String) -> Bool {
    var host = authority.lowercased()[...]
    if let end = host.lastIndex(of: "]") {
      guard isPort(host[host.index(after: end)...]) else { return false }
      return host[...end] == "[::1]"
    }
    if let colon = host.firstIndex(of: ":") {
      guard isPort(host[colon...]) else { return false }
      host = host[..<colon]
    }
    if host == "localhost" || host == "localhost." { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { part in
        // A sign is no digit: `127.0.0.+1` is a name, and anybody's.
        part.utf8.allSatisfy { (0x30...0x39).contains($0) } && part.count <= 3
          && UInt8(part) != nil
      }
  }

  private static func isPort(_ text: Substring) -> Bool {
    if text.isEmpty { return true }
    return text.first == ":" && text.count <= 6
      && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
