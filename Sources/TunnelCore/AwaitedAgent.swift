/// An agent that the relay itself sent away, by its end or by a hand-over, and expects back:
/// requests for its endpoint wait meanwhile (product.md, section 5, `agent-offline`). The first one
/// sets the moment at which all of them are answered; if nobody is there by then the endpoint is
/// offline, and nobody waits any more.
package struct AwaitedAgent: Sendable, Equatable {
  /// How long a request waits at most.
  package static let patience = Duration.seconds(6)

  private let expectedUntil: Moment
  private let patience: Duration
  private var deadline: Moment?

  /// Expected for as long as an owner that is gone keeps its place; `now` is when its relay began.
  package init(
    at now: Moment, for absence: Duration = Ownership.absence,
    patience: Duration = AwaitedAgent.patience
  ) {
    expectedUntil = now + absence
    self.patience = patience
  }

  /// A request comes. Until when it waits; nil: no longer, it is to be refused at once.
  package mutating func wait(at now: Moment) -> Moment? {
    if let deadline { return now < deadline ? deadline : nil }
    guard patience > .zero, now < expectedUntil else { return nil }
    let end = now + patience
    deadline = end
    return end
  }
}
