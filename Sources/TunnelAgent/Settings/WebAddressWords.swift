import Inspection
import TunnelCore

extension WebAddress {
  /// What `--web-addr` says; nil for none.
  static func chosen(_ request: TunnelRequest) throws(UserError) -> WebAddress? {
    guard let text = request.last("--web-addr") else { return .standard }
    if ["false", "off"].contains(text.value) { return nil }
    return try text.read { text throws(ValueFault) in try WebAddress(text) }.value
  }

  /// `127.0.0.1:4041`, `localhost`, `:4041`, `4041`, with `http://` or without. Port 0 is any free
  /// one. Nothing but this machine can be named: whoever reaches the address controls the agent.
  package init(_ text: String) throws(ValueFault) {
    let isPort = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    var full = isPort ? "127.0.0.1:\(text)" : text.hasPrefix(":") ? "127.0.0.1\(text)" : text
    let isAny = full.hasSuffix(":0")
    if isAny { full.removeLast(2) }
    let parts = try Authority(full)
    guard parts.scheme == nil || parts.scheme == "http", parts.path.isEmpty else {
      throw ValueFault("`\(text)` is no web address of an agent", fix: "127.0.0.1:4040")
    }
    // A name could be looked up as something else; this one is always the same.
    let host = parts.host == "localhost" ? "127.0.0.1" : parts.host
    guard host == "[::1]" || host.hasPrefix("127.") && parts.isLoopback else {
      throw ValueFault(
        "`\(text)` could be reached from other machines, and whoever reaches it controls the agent",
        fix: "127.0.0.1:4040, or an ssh tunnel to it")
    }
    self.init(host: host, port: isAny ? 0 : parts.port ?? WebAddress.standard.port)
  }
}
