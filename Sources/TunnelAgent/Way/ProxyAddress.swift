import TunnelCore

/// An HTTP proxy as a setting names it: `[http://][USER:PASSWORD@]HOST[:PORT]`, or `https://…` for
/// one that is itself spoken to by TLS. What is between `//` and `@` is percent-decoded and never
/// printed, also not in a fault.
package struct ProxyAddress: Sendable, Hashable, CustomStringConvertible {
  package enum Scheme: String, Sendable { case http, https }

  package let scheme: Scheme
  /// Lower case; an IPv6 literal keeps its brackets.
  package let host: String
  package let port: Int
  private let credentials: String?

  package init(_ text: String) throws(ValueFault) {
    let scheme = text.firstRange(of: "://").map { text[..<$0.lowerBound].lowercased() } ?? "http"
    guard !scheme.hasPrefix("socks") else {
      throw ValueFault(
        "a SOCKS proxy is not supported",
        fix: "give an HTTP proxy, http://HOST:PORT, or `--proxy direct` for none")
    }
    var rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    if let at = rest[..<end].lastIndex(of: "@") {
      credentials = Self.decoded(rest[..<at])
      rest = rest[rest.index(after: at)...]
    } else {
      credentials = nil
    }
    guard let known = Scheme(rawValue: scheme), let parts = try? Authority(String(rest)),
      parts.scheme == nil, parts.path.isEmpty
    else {
      throw ValueFault("this is no proxy: http://[USER:PASSWORD@]HOST[:PORT]")
    }
    self.scheme = known
    host = parts.host
    port = parts.port ?? (known == .https ? 443 : 80)
  }

  /// The value of a Proxy-Authorization field (RFC 7617).
  var authorization: String? { credentials.map { "Basic " + Base64.encode($0.utf8) } }

  /// The host as a resolver takes it, without brackets.
  var dialHost: String {
    host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
  }

  package var description: String { "\(scheme)://\(host):\(port)" }

  /// For `config show`: says that there are credentials, and no more.
  package var masked: String {
    credentials == nil ? description : "\(scheme)://***@\(host):\(port)"
  }

  /// `user:password`; a user alone has an empty password. What is no `%XX` stays as it is.
  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
        let value = UInt8(digits, radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    let both = text.contains(":") ? "" : ":"
    return String(decoding: bytes, as: UTF8.self) + both
  }
}
