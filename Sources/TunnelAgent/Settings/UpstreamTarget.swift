/// The local app: `3000`, `localhost:3000`, `http://127.0.0.1:3000`, `localhost` (port 80).
package struct UpstreamTarget: Sendable, Hashable, CustomStringConvertible {
  /// Lower case; `localhost` stands for 127.0.0.1 and then ::1. IPv6 literals keep brackets.
  package let host: String
  package let port: Int
  /// A TCP endpoint's: its bytes are nobody's HTTP.
  package private(set) var isTCP = false

  package init(host: String = "localhost", port: Int, isTCP: Bool = false) {
    self.host = host
    self.port = port
    self.isTCP = isTCP
  }

  package init(_ text: String) throws(ValueFault) {
    self = try UpstreamTarget.read(text).target
  }

  /// The target, and whether its port was said: `localhost` leaves that to `--port`.
  static func read(
    _ text: String
  ) throws(ValueFault) -> (target: UpstreamTarget, saidPort: Bool) {
    if !text.isEmpty && text.allSatisfy(\.isNumber) {
      return (UpstreamTarget(port: try Authority.port(text)), true)
    }
    let parts = try Authority(text.hasPrefix(":") ? "localhost" + text : text)
    switch parts.scheme {
    case nil, "http": break
    case "https":
      throw ValueFault(
        "an https app is not in this version yet", fix: "let the app listen on plain http")
    case .some(let scheme):
      throw ValueFault("the app is reached by http, not by `\(scheme)`")
    }
    guard parts.path.isEmpty else {
      throw ValueFault(
        "`\(text)` has a path; a tunnel passes every path as it is",
        fix: "leave out `\(parts.path)`")
    }
    let target = UpstreamTarget(host: parts.host, port: parts.port ?? 80)
    return (target, parts.port != nil)
  }

  /// `5432`, `localhost:5432`, `tcp://db.local:5432`.
  static func tcp(_ text: String) throws(ValueFault) -> UpstreamTarget {
    let scheme = "tcp://"
    let bare = text.lowercased().hasPrefix(scheme) ? String(text.dropFirst(scheme.count)) : text
    guard !bare.contains("://") else {
      throw ValueFault("`\(text)` is no target of a TCP endpoint", fix: "say its HOST:PORT")
    }
    var (target, saidPort) = try read(bare)
    guard saidPort else { throw ValueFault("`\(text)` has no port", fix: "\(bare):5432") }
    target.isTCP = true
    return target
  }

  /// A port alone, as `--port` takes it.
  static func port(_ text: String) throws(ValueFault) -> Int {
    try Authority.port(text)
  }

  /// What the banner shows.
  package var description: String {
    if isTCP { return "\(host):\(port)" }
    return port == 80 ? "http://\(host)" : "http://\(host):\(port)"
  }
}
