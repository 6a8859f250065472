/// The responses of one connection, each to a request that was announced with `expect`: heads and
/// bodies, by pull, as `RequestReader` does it.
///
/// Bytes that come while nothing is expected are a fault: they would be read as the answer to
/// somebody else's request.
package struct ResponseReader: Sendable {
  package enum Step: Equatable, Sendable {
    /// Nothing can be said before more bytes came.
    case more
    /// The first bytes are a whole head, which is in `head`.
    case head(Int)
    /// The first bytes are an interim (1xx) head; the final one is still to come.
    case interim(Int)
    /// The first bytes are a 101: whatever follows is no HTTP and comes as `body`.
    case switched(Int)
    /// The first bytes belong to the body, its frame included.
    case body(Int)
    /// The message is over; nothing is consumed. Said once; the call after it finds out whether
    /// more bytes came than were asked for. Go on with `expect`.
    case end
  }

  private enum Phase { case idle, head, body, switched, ended }

  private var scanner: ResponseScanner
  private var tracker = BodyTracker(.none)
  private var phase = Phase.idle
  private var context = RequestContext()
  private var interims = 0
  private let limits: HeadLimits

  package init(limits: HeadLimits = .init()) {
    self.limits = limits
    scanner = ResponseScanner(limits: limits)
  }

  /// The head of the message in hand: of an interim one until the next call, of a final one until
  /// `expect`.
  ///
  /// Stored, for a getter of another module is called on a copy of the whole reader.
  package private(set) var head = ResponseHead()

  /// How the body of the message in hand is delimited, from the step `head` on.
  package private(set) var framing = BodyFraming.none

  /// A request was sent; what comes next is its answer. One before it that was given up half read
  /// is forgotten.
  package mutating func expect(_ context: RequestContext) {
    if phase == .head { scanner.reset() }
    self.context = context
    interims = 0
    framing = .none
    phase = .head
  }

  package mutating func next(_ span: Span<UInt8>) throws(MessageFault) -> Step {
    switch phase {
    case .idle:
      guard span.isEmpty else { throw .malformed(.unasked) }
      return .more
    case .head: return try nextHead(span)
    case .body:
      let (count, ended) = try tracker.consume(span)
      if ended { phase = .ended }
      return count > 0 ? .body(count) : .more
    case .switched: return span.isEmpty ? .more : .body(span.count)
    case .ended:
      phase = .idle
      return .end
    }
  }

  private mutating func nextHead(_ span: Span<UInt8>) throws(MessageFault) -> Step {
    guard try scanner.scan(span) else { return .more }
    swap(&head, &scanner.head)
    scanner.reset()
    framing = try head.framing(for: context)
    let length = head.length
    if head.status == 101 {
      guard context.upgrade, head.upgrade else {
        throw .malformed(.unexpectedUpgrade)
      }
      phase = .switched
      return .switched(length)
    }
    if head.status < 200 {
      interims &+= 1  // bounded: it throws at `limits.interim`
      guard interims <= limits.interim else { throw .malformed(.interimCount) }
      return .interim(length)
    }
    tracker = BodyTracker(framing, limits: limits)
    phase = tracker.ended ? .ended : .body
    return .head(length)
  }

  /// The connection ended with `unread` bytes left. Ends a body that lasts until then; throws
  /// `truncated` if an answer was due or half read.
  package mutating func finish(unread: Int) throws(MessageFault) {
    switch phase {
    case .idle, .ended, .switched: break
    case .head: throw .truncated
    case .body:
      try tracker.finish()
      phase = .ended
    }
  }
}
