/// The requests of one connection, one after the other: heads and bodies, by pull.
///
/// The caller keeps the unread bytes, shows all of them at every call, and drops as many as a step
/// says. Throws what the scanner and the tracker throw; then the connection has to close.
package struct RequestReader: Sendable {
  package enum Step: Equatable, Sendable {
    /// Nothing can be said before more bytes came.
    case more
    /// The first bytes are a whole head, which is in `head`.
    case head(Int)
    /// The first bytes belong to the body, its frame included.
    case body(Int)
    /// The message is over; nothing is consumed. Go on with `restart()`.
    case end
  }

  private enum Phase { case head, body, ended }

  private var scanner: RequestScanner
  private var tracker = BodyTracker(.none)
  private var phase = Phase.head
  private let limits: HeadLimits

  package init(limits: HeadLimits = .init()) {
    self.limits = limits
    scanner = RequestScanner(limits: limits)
  }

  /// The head of the message in hand, from the step `head` until `restart()`.
  ///
  /// Stored, for a getter of another module is called on a copy of the whole reader.
  package private(set) var head = RequestHead()

  package mutating func next(_ span: Span<UInt8>) throws(MessageFault) -> Step {
    switch phase {
    case .head:
      guard try scanner.scan(span) else { return .more }
      swap(&head, &scanner.head)
      scanner.reset()
      tracker = BodyTracker(head.framing, limits: limits)
      phase = tracker.ended ? .ended : .body
      return .head(head.length)
    case .body:
      let (count, ended) = try tracker.consume(span)
      if ended { phase = .ended }
      return count > 0 ? .body(count) : .more
    case .ended: return .end
    }
  }

  /// On to the next message, after `end`.
  package mutating func restart() {
    precondition(phase == .ended, "the message in hand is not over")
    phase = .head
  }

  /// The connection ended with `unread` bytes left. Throws `truncated` inside a message.
  package mutating func finish(unread: Int) throws(MessageFault) {
    switch phase {
    case .head: if unread > 0 { throw .truncated }
    case .body: try tracker.finish()
    case .ended: break
    }
  }
}
