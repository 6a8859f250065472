/// Finds where one message's body ends (RFC 9112 section 6); its bytes pass untouched.
package struct BodyTracker: Sendable {
  private enum Stage {
    case length(UInt64)
    case chunked(ChunkedReader)
    case untilClose
    case ended
  }

  private var stage: Stage

  package init(_ framing: BodyFraming, limits: HeadLimits = .init()) {
    stage =
      switch framing {
      case .none, .length(0): .ended
      case .length(let length): .length(length)
      case .chunked: .chunked(ChunkedReader(limits: limits))
      case .untilClose: .untilClose
      }
  }

  package var ended: Bool {
    if case .ended = stage { true } else { false }
  }

  /// Takes the bytes at hand; tells how many of them belong to this body and may pass, and whether
  /// it ended with them. What is not counted has to be shown again, with more behind it if the body
  /// has not ended. Throws `malformed` and `headerTooLarge` on bad chunks and trailers.
  package mutating func consume(
    _ span: Span<UInt8>
  ) throws(MessageFault) -> (count: Int, ended: Bool) {
    switch stage {
    case .length(let left):
      let here = UInt64(span.count)
      if here >= left {
        stage = .ended
        return (Int(left), true)
      }
      stage = .length(left &- here)
      return (span.count, false)
    case .chunked(var chunks):
      let count = try Self.pass(&chunks, span)
      let ended = chunks.ended
      stage = ended ? .ended : .chunked(chunks)
      return (count, ended)
    case .untilClose: return (span.count, false)
    case .ended: return (0, true)
    }
  }

  /// As many of the bytes at hand as may pass: a frame that is not whole is held back.
  private static func pass(
    _ chunks: inout ChunkedReader, _ span: Span<UInt8>
  ) throws(MessageFault) -> Int {
    var position = 0
    while true {
      switch try chunks.next(span.extracting(position...)) {
      case .frame(let count), .data(let count), .trailers(let count): position &+= count
      case .more, .end: return position
      }
    }
  }

  /// The connection ended. Fine for a body that lasts until then, and after a whole one; else
  /// throws `truncated`: half a body is no body.
  package mutating func finish() throws(MessageFault) {
    switch stage {
    case .untilClose: stage = .ended
    case .ended: break
    case .length, .chunked: throw .truncated
    }
  }
}
