import HTTPMessage

/// The one answer of a connection, whole and bounded, out of bytes as they come.
struct AnswerCollector {
  /// More than any answer of the relay's API.
  static let largest = 4 << 20

  enum Fault: Error, Equatable {
    case message(MessageFault)
    case tooLarge
  }

  private var reader = ResponseReader()
  private var unread: [UInt8] = []
  private var status = 0
  private var body: [UInt8] = []

  init() {
    reader.expect(RequestContext())
  }

  /// The answer, once it is whole.
  mutating func receive(_ bytes: some Sequence<UInt8>) throws(Fault) -> RelayAPI.Answer? {
    unread += bytes
    guard unread.count + body.count <= AnswerCollector.largest else { throw .tooLarge }
    while true {
      switch try step() {
      case .more: return nil
      case .head(let count):
        status = reader.head.status
        unread.removeFirst(count)
      case .interim(let count), .switched(let count): unread.removeFirst(count)
      case .body(let count):
        body += unread.prefix(count)
        unread.removeFirst(count)
      case .end: return answer
      }
    }
  }

  /// The other side closed: ends an answer that lasts until then.
  mutating func finish() throws(Fault) -> RelayAPI.Answer {
    let left = unread.count
    do {
      try reader.finish(unread: left)
    } catch {
      throw .message(error)
    }
    return answer
  }

  private mutating func step() throws(Fault) -> ResponseReader.Step {
    let bytes = unread
    do {
      return try reader.next(bytes.span)
    } catch {
      throw .message(error)
    }
  }

  private var answer: RelayAPI.Answer {
    let plain = reader.framing == .chunked ? AnswerCollector.unchunked(body) : body
    return RelayAPI.Answer(status: status, body: plain)
  }

  /// The data of a chunked body that the reader has already found sound (RFC 9112 section 7.1).
  static func unchunked(_ body: [UInt8]) -> [UInt8] {
    var data: [UInt8] = []
    var rest = body[...]
    while let end = rest.firstIndex(of: 0x0a) {
      let digits = rest[..<end].prefix { Character(Unicode.Scalar($0)).isHexDigit }
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size > 0 else {
        break
      }
      rest = rest[(end + 1)...]
      data += rest.prefix(size)
      rest = rest.dropFirst(size + 2)
    }
    return data
  }
}
