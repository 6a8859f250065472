import TunnelCore

/// The public name a person asks for: a whole name, a label below the relay's, or whichever the
/// account got first. Written with or without `https://`; what has no dot is a label.
package enum DomainWish: Sendable, Hashable, CustomStringConvertible {
  case full(DomainName)
  case label(String)
  case first
  /// No name: a TCP port of the relay's.
  case tcp(TCPWish)

  package init(_ text: String) throws(ValueFault) {
    guard !TCPWish.isMeant(by: text) else {
      throw ValueFault(
        "`\(text)` is a TCP endpoint's address, not a name", fix: "`tunnel tcp 5432 --url \(text)`")
    }
    let parts = try Authority(text, anyHost: true)
    guard parts.scheme == nil || parts.scheme == "https" || parts.scheme == "http" else {
      throw ValueFault("`\(text)` is no web address: https://NAME")
    }
    guard parts.path.isEmpty else {
      throw ValueFault("a path in the public address is not in this version yet: `\(text)`")
    }
    guard parts.port == nil || parts.port == (parts.scheme == "http" ? 80 : 443) else {
      throw ValueFault("`\(text)` has a port; the relay decides that", fix: "leave it out")
    }
    do throws(NameFault) {
      if parts.host.contains(".") {
        self = .full(try DomainName(parts.host))
      } else {
        self = .label(try SubdomainLabel(parts.host).text)
      }
    } catch .reserved {
      self = .label(parts.host)  // its operator may have given it away all the same
    } catch {
      throw ValueFault(error.description, fix: error.fix, code: "domain-invalid")
    }
  }

  /// `--subdomain` takes nothing but a label.
  static func onlyLabel(_ text: String) throws(ValueFault) -> DomainWish {
    guard !text.contains(".") && !text.contains("/") else {
      throw ValueFault("`\(text)` is no label", fix: "--domain \(text)")
    }
    return try DomainWish(text)
  }

  package var isTCP: Bool {
    if case .tcp = self { true } else { false }
  }

  /// What the relay is asked for; empty for `first`, and for a TCP port that it is to choose.
  package var description: String {
    switch self {
    case .full(let name): name.text
    case .label(let label): label
    case .first: ""
    case .tcp(let wish): wish.name
    }
  }
}
