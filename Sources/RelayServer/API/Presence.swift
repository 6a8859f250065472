import Synchronization
import TunnelCore

/// Which names are served at this moment, for readers on other threads: the API.
final class Presence: Sendable {
  private struct Place: Hashable {
    let host: DomainName
    var port: Int?
  }

  private let online = Mutex<Set<Place>>([])

  func set(_ endpoint: Endpoint, online isOnline: Bool) {
    let place = Place(host: endpoint.host, port: endpoint.port)
    online.withLock { places in
      if isOnline { places.insert(place) } else { places.remove(place) }
    }
  }

  /// With a port, a TCP endpoint of the relay's own name.
  func isOnline(_ host: DomainName, port: Int? = nil) -> Bool {
    online.withLock { $0.contains(Place(host: host, port: port)) }
  }
}

/// How a domain of this relay is written as a URL: by `--public-url`; behind a proxy, which speaks
/// TLS on the usual port, `https://DOMAIN`; else by what the relay listens on.
package final class PublicURL: Sendable {
  let scheme: String
  private let fixedPort: Int?
  private let hasFixedPort: Bool
  private let port: Mutex<Int>

  init(_ settings: ServeSettings) {
    var parts = settings.publicURL.map(Self.parts)
    if parts == nil, settings.isBehindProxy, settings.base.text != "localhost" {
      parts = ("https", nil)
    }
    scheme = parts?.scheme ?? settings.scheme
    hasFixedPort = parts != nil
    fixedPort = parts?.port
    port = Mutex(settings.listen.port)
  }

  package static func isURL(_ text: String) -> Bool {
    text.hasPrefix("https://") || text.hasPrefix("http://")
  }

  /// Scheme and port of `https://tunnel.example.com:8443`.
  private static func parts(_ url: String) -> (scheme: String, port: Int?) {
    let pieces = url.split(separator: "/", omittingEmptySubsequences: true)
    let scheme = url.hasPrefix("https:") ? "https" : "http"
    let authority = pieces.count > 1 ? pieces[1] : pieces.first ?? ""
    return (scheme, authority.split(separator: ":").dropFirst().last.flatMap { Int($0) })
  }

  var listening: Int { port.withLock { $0 } }

  func listens(on port: Int) { self.port.withLock { $0 = port } }

  /// Of the address with https, for visitors that came without; nil is the usual one.
  var securePort: Int? {
    let shown = hasFixedPort && scheme == "https" ? fixedPort : listening
    return shown == 443 ? nil : shown
  }

  func url(_ host: DomainName) -> String {
    let shown = hasFixedPort ? fixedPort : port.withLock { $0 }
    let usual = scheme == "https" ? 443 : 80
    guard let shown, shown != usual else { return "\(scheme)://\(host)" }
    return "\(scheme)://\(host):\(shown)"
  }
}
