/// `[scheme://]host[:port][/]` as people type it (RFC 3986 section 3): the parts, nothing judged
/// but their form. A path, query or user name is told apart so that it can be refused in words.
struct Authority: Equatable {
  var scheme: String?
  /// Lower case, without a final dot; an IPv6 literal keeps its brackets.
  var host: String
  var port: Int?
  /// From the first slash, empty for none and for `/` alone.
  var path: String

  /// `anyHost` leaves it to a stricter reader to judge the host.
  init(_ text: String, anyHost: Bool = false) throws(ValueFault) {
    var rest = Substring(text)
    if let mark = text.firstRange(of: "://") {
      scheme = text[..<mark.lowerBound].lowercased()
      rest = text[mark.upperBound...]
    }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    path = rest[end...] == "/" ? "" : String(rest[end...])
    rest = rest[..<end]
    guard !rest.contains("@") else { throw ValueFault("a user name in `\(text)` is not supported") }
    let digits = try Authority.cutPort(&rest, of: text)
    host = rest.lowercased()
    if host.hasSuffix(".") { host.removeLast() }
    port = nil
    if let digits { port = try Authority.port(digits) }
    guard anyHost || Authority.isHost(host) else { throw ValueFault("`\(text)` names no host") }
  }

  /// 1 to 65535 in digits.
  static func port(_ digits: some StringProtocol) throws(ValueFault) -> Int {
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = Int(digits), (1...65535).contains(port)
    else { throw ValueFault("`\(digits)` is no port: 1 to 65535") }
    return port
  }

  /// Splits `:port` off; nil where there is none.
  private static func cutPort(
    _ rest: inout Substring, of text: String
  ) throws(ValueFault) -> Substring? {
    if rest.hasPrefix("[") {
      guard let bracket = rest.firstIndex(of: "]") else {
        throw ValueFault("`\(text)` lacks a closing bracket")
      }
      let tail = rest[rest.index(after: bracket)...]
      rest = rest[...bracket]
      guard tail.isEmpty || tail.hasPrefix(":") else {
        throw ValueFault("`\(text)` names no host")
      }
      return tail.isEmpty ? nil : tail.dropFirst()
    }
    guard let colon = rest.lastIndex(of: ":") else { return nil }
    guard !rest[..<colon].contains(":") else {
      throw ValueFault("`\(text)` names no host; an IPv6 address needs brackets: `[::1]:3000`")
    }
    let digits = rest[rest.index(after: colon)...]
    rest = rest[..<colon]
    return digits
  }

  private static func isHost(_ host: String) -> Bool {
    if host.hasPrefix("[") {
      return host.count > 3
        && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    return !host.isEmpty && host.count <= 253
      && host.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true  // digits, letters, - . _
        default: false
        }
      }
      && host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
        (1...63).contains($0.count)
      }
  }

  /// Whether the host can only be this machine: 127/8, ::1, localhost and what is below it
  /// (RFC 6761 section 6.3).
  var isLoopback: Bool {
    if host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
