/// Why a message cannot pass. The blame is always the sender's of the bytes that were scanned.
///
/// After a fault the scanner, tracker or reader that threw it is of no further use: where the next
/// message starts is not known, so the connection has to close.
package enum MessageFault: Error, Equatable, Sendable {
  /// The bytes are no HTTP/1.1, or can be read in more than one way.
  case malformed(Reason)
  /// The request line is over its limit.
  case uriTooLong
  /// A field line, all of them, or their count is over its limit.
  case headerTooLarge
  /// The connection ended inside a message.
  case truncated

  /// What exactly was wrong, as a sentence for a person.
  package enum Reason: String, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    case lineEnd = "a line does not end with CRLF"
    case leading = "more than one empty line stands before the request"
    case controlByte = "the request line holds a byte that is not visible ASCII"
    case requestLine = "the request line is not METHOD SP TARGET SP VERSION"
    case method = "the method is no token of at most 32 bytes"
    case connectMethod = "CONNECT is not served here"
    case reservedMethod = "PRI is no method but the beginning of HTTP/2"
    case target = "the request target is no path, no absolute http URL and no *"
    case version = "the version is neither HTTP/1.1 nor HTTP/1.0"
    case hostMissing = "there is no Host field"
    case hostTwice = "there is more than one Host field"
    case host = "the Host field holds no host with an optional port"
    case hostMismatch = "the request target and the Host field name different hosts"
    case fieldName = "a field name is empty or holds a byte that is not allowed"
    case fieldNameSpace = "there is a space before a field's colon"
    case folded = "a field line starts with a space"
    case fieldValue = "a field value holds a control character"
    case fieldAlias = "a field name uses _ where a name that matters here has -"
    case length = "Content-Length is not one decimal number"
    case lengthTwice = "there is more than one Content-Length field"
    case coding = "Transfer-Encoding is not exactly chunked"
    case codingTwice = "there is more than one Transfer-Encoding field"
    case codingVersion = "HTTP/1.0 has no Transfer-Encoding"
    case lengthAndCoding = "there are both Content-Length and Transfer-Encoding"
    case framingTab = "a tab stands beside the value of Content-Length or Transfer-Encoding"
    case connection = "the Connection field is no list of names"
    case connectionNames = "the Connection field names a field that may not be dropped"
    case chunkSize = "a chunk size is not 1 to 16 hexadecimal digits of a sensible value"
    case chunkLine = "a chunk's size line is too long or holds a byte that is not allowed"
    case chunkEnd = "a chunk's data does not end with CRLF"
    case trailer = "a trailer field may not stand in a trailer section"
    case statusLine = "the status line is not VERSION SP STATUS SP REASON"
    case bodyForbidden = "a response that has no body announces one"
    case unexpectedUpgrade = "a 101 answers no request that asked for an upgrade"
    case interimVersion = "HTTP/1.0 has no interim responses"
    case interimCount = "there are too many interim responses"
    case unasked = "bytes of a response came while no request was open"

    package var description: String { rawValue }
  }
}
