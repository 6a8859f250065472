import HTTPMessage
import NIOCore
import SessionLink
import TunnelCore

/// What the plain listener of `--redirect-listen` says to a request: the same address with https
/// (RFC 9110, section 15.4.9: 308 keeps method and body).
enum RedirectAnswer {
  /// `port` is that of the address with https; nil is the usual one. Throws for a request that
  /// names no address.
  static func bytes(
    _ head: RequestHead, in source: ByteBuffer, port: Int?, close: Bool
  ) throws(Refusal) -> ByteBuffer {
    let location = try location(head, source, port)
    var answer = "HTTP/1.1 308 Permanent Redirect\r\nLocation: \(location)\r\nContent-Length: 0\r\n"
    if close { answer += "Connection: close\r\n" }
    return ByteBuffer(string: answer + "\r\n")
  }

  private static func location(
    _ head: RequestHead, _ source: ByteBuffer, _ port: Int?
  ) throws(Refusal) -> String {
    guard let host = head.host else {
      throw Refusal(.badRequest, "There is no Host field to say where to go.")
    }
    let name = try name(host, source)
    let path: String
    switch head.form {
    case .origin: path = source.text(head.target)
    case .absolute(_, let rest): path = source.text(rest)
    case .asterisk: throw Refusal(.badRequest, "There is nothing here but a way to https://.")
    }
    let slash = path.hasPrefix("/") ? "" : "/"
    return "https://" + name + (port.map { ":\($0)" } ?? "") + slash + path
  }

  /// The host without its port; a name as it is routed by.
  private static func name(_ host: ByteRange, _ source: ByteBuffer) throws(Refusal) -> String {
    let text = source.text(host)
    switch HostTarget(host: Array(text.utf8).span) {
    case .name(let domain): return domain.text
    case .localhost: return "localhost"
    case .address:
      if let end = text.firstIndex(of: "]") { return String(text[...end]) }
      return String(text.prefix { $0 != ":" })
    case nil: throw Refusal(.badRequest, "The Host field names no host.")
    }
  }
}
