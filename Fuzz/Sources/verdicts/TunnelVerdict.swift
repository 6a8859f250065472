import HTTPMessage

/// What the project's readers say.
enum TunnelVerdict {
  static func line(_ one: Case) -> String {
    one.kind == .requests ? requests(one) : responses(one)
  }

  /// Stops behind a request that closes or asks for an upgrade, as the relay does.
  private static func requests(_ one: Case) -> String {
    var reader = RequestReader()
    var messages: [MessageLine] = []
    var start = 0
    var position = 0
    do throws(MessageFault) {
      reading: while true {
        switch try reader.next(one.bytes.span.extracting(position...)) {
        case .more: break reading
        case .head(let count):
          let head = reader.head
          let source = Array(one.bytes[position..<position + count])
          var message = MessageLine()
          message.start =
            "\"method\":\"\(hex(source[head.methodRange.range]))\","
            + "\"target\":\"\(hex(source[head.target.range]))\",\"minor\":\(head.minorVersion)"
          message.fields = head.fields.map { (cut(source, $0.name), cut(source, $0.value)) }
          position += count
          message.facts = facts(start, position, head.framing)
          if head.upgrade { message.facts += ",\"upgrade\":true" }
          messages.append(message)
        case .body(let count): position += count
        case .end:
          messages[messages.count - 1].facts += ",\"end\":\(position)"
          if reader.head.closes || reader.head.upgrade { break reading }
          reader.restart()
          start = position
        }
      }
    } catch {
      return verdict(messages, fault: "\(error)")
    }
    return verdict(messages, fault: nil)
  }

  private static func responses(_ one: Case) -> String {
    var reader = ResponseReader()
    let context = RequestContext(isHead: one.kind == .responsesToHead)
    reader.expect(context)
    var messages: [MessageLine] = []
    var start = 0
    var position = 0
    do throws(MessageFault) {
      reading: while true {
        switch try reader.next(one.bytes.span.extracting(position...)) {
        case .more: break reading
        case .interim(let count), .head(let count), .switched(let count):
          let head = reader.head
          let source = Array(one.bytes[position..<position + count])
          var message = MessageLine()
          message.start = "\"status\":\(head.status),\"minor\":\(head.minorVersion)"
          message.fields = head.fields.map { (cut(source, $0.name), cut(source, $0.value)) }
          position += count
          let isInterim = head.status < 200
          message.facts = facts(start, position, isInterim ? .none : reader.framing)
          if isInterim { message.facts += ",\"end\":\(position)" }
          messages.append(message)
          start = position
        case .body(let count): position += count
        case .end:
          messages[messages.count - 1].facts += ",\"end\":\(position)"
          if reader.head.closes { break reading }
          reader.expect(context)
          start = position
        }
      }
      // The end of a body that lasts until the connection's.
      if one.ends, reader.framing == .untilClose, position == one.bytes.count, !messages.isEmpty,
        !messages[messages.count - 1].facts.contains("\"end\"")
      {
        try reader.finish(unread: 0)
        messages[messages.count - 1].facts += ",\"end\":\(position)"
      }
    } catch {
      return verdict(messages, fault: "\(error)")
    }
    return verdict(messages, fault: nil)
  }

  private static func facts(_ start: Int, _ headEnd: Int, _ framing: BodyFraming) -> String {
    let name =
      switch framing {
      case .none: "none"
      case .length: "length"
      case .chunked: "chunked"
      case .untilClose: "close"
      }
    return "\"start\":\(start),\"headEnd\":\(headEnd),\"framing\":\"\(name)\""
  }

  private static func cut(_ source: [UInt8], _ range: ByteRange) -> [UInt8] {
    Array(source[range.range])
  }
}
