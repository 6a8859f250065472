/// Where the agent's own pages and API are, on this machine alone: `127.0.0.1:4040`.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
  /// `localhost`, or a loopback address; an IPv6 literal keeps its brackets.
  package let host: String
  /// 0 for any free one.
  package let port: Int

  /// Where ngrok's agent is, so that scripts written for it find ours.
  package static let standard = WebAddress(host: "127.0.0.1", port: 4040)

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  package var description: String { "\(host):\(port)" }

  package var url: String { "http://\(self)" }

  /// The host as a resolver takes it, without brackets.
  package var dialHost: String {
    host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
  }
}
