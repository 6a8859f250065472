/// The public address of a TCP endpoint: a port of the relay's, `tcp://tunnel.example.com:20007`.
package struct TCPAddress: Hashable, Sendable, CustomStringConvertible {
  package let host: DomainName
  /// 1 to 65535.
  package let port: Int

  package init(host: DomainName, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads it with or without `tcp://`; nil is no such address.
  package init?(_ text: String) {
    let scheme = "tcp://"
    let rest = text.lowercased().hasPrefix(scheme) ? text.dropFirst(scheme.count) : text[...]
    guard let colon = rest.lastIndex(of: ":") else { return nil }
    let digits = rest[rest.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
      (1...65_535).contains(port),
      let host = try? DomainName(String(rest[..<colon]))
    else { return nil }
    self.init(host: host, port: port)
  }

  /// `tunnel.example.com:20007`, where a domain would stand.
  package var name: String { "\(host):\(port)" }
  package var description: String { "tcp://\(host):\(port)" }
}
