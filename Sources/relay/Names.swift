import RelayStore
import TunnelCore

/// Reads the names and ids of a command line.
enum Names {
  static func domain(_ text: String) throws(StoreFault) -> DomainName {
    do {
      return try DomainName(text)
    } catch {
      throw .domainInvalid(error)
    }
  }

  static func tokenID(_ text: String) throws(StoreFault) -> ID {
    guard let id = ID(text) else {
      // Whoever pastes the authtoken itself must not find it in a log of error messages.
      throw .noSuchToken(text.hasPrefix(Authtoken.prefix) ? "\(Authtoken.prefix)…" : text)
    }
    return id
  }
}
