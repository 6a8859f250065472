import Multiplexer

/// Why a link ended.
package enum LinkEnd: Equatable, Sendable {
  /// The peer closed the connection, or this side did.
  case closed
  case failed(String)
  /// No frame came in time.
  case silent
  /// The same agent has a newer connection.
  case superseded
  /// It took nothing of what was written to it.
  case stalled
  case fault(SessionFault)
}

/// Who a link belongs to: the relay's session or the agent's.
package protocol LinkOwner: AnyObject {
  func link(_ link: Link, said hello: Hello)
  /// The peer opened a stream; nil refuses it by `unsupported`.
  func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)?
  func link(_ link: Link, said control: Control)
  func link(_ link: Link, goesAway goAway: GoAway)
  /// What was asked of it is answered late; said once until it is heard from again.
  func linkIsSuspect(_ link: Link)
  /// It was asked for a sign of life, and a frame came.
  func linkAnswered(_ link: Link)
  func link(_ link: Link, ended end: LinkEnd)
}

extension LinkOwner {
  package func linkIsSuspect(_ link: Link) {}
  package func linkAnswered(_ link: Link) {}
}
