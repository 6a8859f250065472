import HTTPMessage
import NIOCore
import NIOHPACK
import NIOHTTP2

/// The HTTP/1.1 answer that the ingress writes, as the payloads of HTTP/2 frames (RFC 9113, section
/// 8.1), by pull. The answer was checked on its way; where it still is none, this throws a
/// `MessageFault`.
struct AnswerFrames {
  /// No piece of data waits as a larger one, so progress shows.
  static let largest = 16_384

  private enum Stage {
    case head
    /// Bytes that are still due.
    case plain(UInt64)
    case chunked(ChunkedReader)
    case untilEnd
    case over
  }

  private var stage = Stage.head
  private var scanner = ResponseScanner(limits: .edited)
  private let context: RequestContext
  private var unread = ByteBuffer()
  /// Of a chunk, counted by its reader and not taken yet.
  private var due = 0

  init(isHead: Bool) { context = RequestContext(isHead: isHead) }

  /// Everything has been said: the last frame ended the stream.
  var isOver: Bool { if case .over = stage { true } else { false } }

  mutating func receive(_ bytes: ByteBuffer) {
    unread.append(bytes)
  }

  /// The next payload; nil: more bytes have to come first.
  mutating func next() throws(MessageFault) -> HTTP2Frame.FramePayload? {
    while true {
      switch stage {
      case .head:
        let bytes = unread
        guard bytes.readableBytes > 0, try scanner.scan(bytes.readableBytesUInt8Span) else {
          return nil
        }
        return try head()
      case .plain(let left):
        guard let bytes = take(Int(min(left, UInt64(Self.largest)))) else { return nil }
        let rest = left - UInt64(bytes.readableBytes)
        stage = rest == 0 ? .over : .plain(rest)
        return data(bytes, end: rest == 0)
      case .chunked where due > 0:
        guard let bytes = take(min(due, Self.largest)) else { return nil }
        due -= bytes.readableBytes
        return data(bytes, end: false)
      case .chunked(var reader):
        let step = try reader.next(unread.readableBytesUInt8Span)
        stage = .chunked(reader)
        if step == .more { return nil }
        if let payload = chunked(step, reader) { return payload }
      case .untilEnd: return take(Self.largest).map { data($0, end: false) }
      case .over: return nil
      }
    }
  }

  /// The answer's sender has ended. That is the end of a body that lasts until then.
  mutating func end() -> HTTP2Frame.FramePayload? {
    guard case .untilEnd = stage else { return nil }
    stage = .over
    return data(ByteBuffer(), end: true)
  }

  private mutating func head() throws(MessageFault) -> HTTP2Frame.FramePayload {
    let head = scanner.head
    let framing = try head.framing(for: context)
    var fields = HPACKHeaders([(":status", "\(head.status)")])
    for field in head.fields where !isOfOneConnection(field.kind) {
      fields.add(name: unread.text(field.name).lowercased(), value: try value(field))
    }
    unread.moveReaderIndex(forwardBy: head.length)
    if head.status < 200 {
      scanner = ResponseScanner(limits: .edited)
      return .headers(.init(headers: fields))
    }
    stage =
      switch framing {
      case .none, .length(0): .over
      case .length(let count): .plain(count)
      case .chunked: .chunked(ChunkedReader())
      case .untilClose: .untilEnd
      }
    return .headers(.init(headers: fields, endStream: isOver))
  }

  private mutating func chunked(
    _ step: ChunkedReader.Step, _ reader: ChunkedReader
  ) -> HTTP2Frame.FramePayload? {
    switch step {
    case .more, .end: return nil
    case .frame(let count):
      unread.moveReaderIndex(forwardBy: count)
      return nil
    case .data(let count):
      due = count
      return nil
    case .trailers(let count):
      var fields = HPACKHeaders()
      for field in reader.trailers {
        fields.add(name: unread.text(field.name).lowercased(), value: unread.text(field.value))
      }
      unread.moveReaderIndex(forwardBy: count)
      stage = .over
      if fields.isEmpty { return data(ByteBuffer(), end: true) }
      return .headers(.init(headers: fields, endStream: true))
    }
  }

  private mutating func take(_ most: Int) -> ByteBuffer? {
    let count = min(most, unread.readableBytes)
    return count > 0 ? unread.readSlice(length: count) : nil
  }

  private func data(_ bytes: ByteBuffer, end: Bool) -> HTTP2Frame.FramePayload {
    .data(.init(data: .byteBuffer(bytes), endStream: end))
  }

  /// HPACK's strings are UTF-8 here; other bytes would not arrive as they were sent.
  private func value(_ field: Field) throws(MessageFault) -> String {
    let text = unread.withUnsafeReadableBytes {
      String(validating: $0[field.value.range], as: UTF8.self)
    }
    guard let text else { throw .malformed(.fieldValue) }
    return text
  }

  /// RFC 9113, section 8.2.2.
  private func isOfOneConnection(_ kind: FieldName) -> Bool {
    switch kind {
    case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te: true
    default: false
    }
  }
}
