import NIOCore
import NIOHPACK
import TunnelCore

/// The head of an HTTP/2 request as the one HTTP/1.1 message that says the same (RFC 9113, section
/// 8.3): it is then scanned, checked and limited like any other.
///
/// Everything that could be read differently once it stands in lines is refused here: controls,
/// blanks and line ends in names, values, method and path. Throws the `Refusal` of a request that
/// no HTTP/1.1 message can say.
struct CanonicalRequest {
  /// How the body that follows has to be written.
  enum Body: Equatable {
    case none
    /// As it is: Content-Length says where it ends.
    case plain
    case chunked
  }

  private(set) var isHead = false
  private(set) var body = Body.none
  private(set) var bytes = ByteBuffer()

  /// `isWhole`: nothing follows, neither a body nor trailers.
  init(_ fields: HPACKHeaders, isWhole: Bool) throws(Refusal) {
    let pseudo = try PseudoFields(fields)
    isHead = pseudo.method == "HEAD"
    bytes.writeString("\(pseudo.method) \(pseudo.path) HTTP/1.1\r\nHost: \(pseudo.authority)\r\n")
    // RFC 9110, section 6.6.2: only a chunked body has room for the trailers that were announced.
    let hasLength = fields.contains(name: "content-length")
    let keepsLength = hasLength && (isWhole || !fields.contains(name: "trailer"))
    var hadCookie = false
    for field in fields where !field.name.hasPrefix(":") && field.name != "host" {
      try Self.check(field.name, field.value)
      var value = field.value
      if field.name == "cookie" {
        if hadCookie { continue }
        hadCookie = true
        // RFC 9113, section 8.2.3: crumbs are one cookie again where HTTP/2 ends.
        value = fields["cookie"].joined(separator: "; ")
      }
      if field.name == "content-length", !keepsLength { continue }
      bytes.writeString("\(field.name): \(value)\r\n")
    }
    body = isWhole ? .none : keepsLength ? .plain : .chunked
    if body == .chunked { bytes.writeString("transfer-encoding: chunked\r\n") }
    // RFC 9110, section 8.6: a method that is about a body says so, too, when there is none.
    if isWhole, !hasLength, ["POST", "PUT", "PATCH"].contains(pseudo.method) {
      bytes.writeString("content-length: 0\r\n")
    }
    bytes.writeString("\r\n")
  }

  /// The end of a chunked body, with the trailers there are (RFC 9112, section 7.1.2).
  static func end(_ trailers: HPACKHeaders?) throws(Refusal) -> ByteBuffer {
    var bytes = ByteBuffer(string: "0\r\n")
    for field in trailers ?? [:] {
      try check(field.name, field.value)
      bytes.writeString("\(field.name): \(field.value)\r\n")
    }
    bytes.writeString("\r\n")
    return bytes
  }

  /// RFC 9113, section 8.2.1, and what is only of one connection (section 8.2.2).
  private static func check(_ name: String, _ value: String) throws(Refusal) {
    guard name.utf8.allSatisfy(isNameByte), !name.isEmpty else {
      throw bad("a field's name is no lower-case token")
    }
    guard !ofOneConnection.contains(name), name != "te" || value == "trailers" else {
      throw bad("the field \(name) has no place in HTTP/2")
    }
    guard value.utf8.allSatisfy(isValueByte), !isBlank(value.utf8.first), !isBlank(value.utf8.last)
    else { throw bad("the field \(name) holds a control character, or a blank at an end") }
    // What was no UTF-8 on the wire has become U+FFFD, and a signature over it would not hold.
    guard !value.unicodeScalars.contains("\u{fffd}") else {
      throw bad("the field \(name) is no UTF-8")
    }
  }

  private static let ofOneConnection: Set = [
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
  ]

  /// RFC 9110, section 5.6.2, without upper case.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func isValueByte(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t")
  }

  private static func isBlank(_ byte: UInt8?) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  static func bad(_ why: String) -> Refusal {
    Refusal(.badRequest, "The request is no valid HTTP/2: \(why).")
  }
}

/// The pseudo-fields of a request (RFC 9113, section 8.3.1), each at most once.
private struct PseudoFields {
  private(set) var method = ""
  private(set) var path = ""
  private(set) var authority = ""

  init(_ fields: HPACKHeaders) throws(Refusal) {
    method = try Self.only(":method", fields) ?? ""
    path = try Self.only(":path", fields) ?? ""
    let scheme = try Self.only(":scheme", fields) ?? ""
    let host = try Self.only("host", fields)
    let named = try Self.only(":authority", fields) ?? host ?? ""
    guard Self.isVisible(method), method != "PRI" else {
      throw CanonicalRequest.bad(":method is no method")
    }
    guard scheme == "https" || scheme == "http" else {
      throw CanonicalRequest.bad(":scheme is neither https nor http")
    }
    guard path.utf8.first == UInt8(ascii: "/") || (path == "*" && method == "OPTIONS"),
      Self.isVisible(path)
    else { throw CanonicalRequest.bad(":path is no path") }
    guard Self.isVisible(named) else { throw CanonicalRequest.bad(":authority names no host") }
    if let host, host.lowercased() != named.lowercased() {
      throw Refusal(.misdirected, "The fields :authority and Host name different hosts.")
    }
    authority = named
  }

  private static func only(_ name: String, _ fields: HPACKHeaders) throws(Refusal) -> String? {
    let values = fields[name]
    guard values.count <= 1 else { throw CanonicalRequest.bad("\(name) stands there twice") }
    return values.first
  }

  /// One word of the request line.
  private static func isVisible(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
  }
}
