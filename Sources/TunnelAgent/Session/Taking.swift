import NIOCore
import SessionLink
import TunnelCore

/// `POST /api/take`: asks the relay to give this agent its domains, and waits for the decision.
struct Taking: Sendable {
  /// The relay decides within a few turns of its loop and one write to its database.
  private static let patience = TimeAmount.seconds(10)

  enum Outcome: Sendable, Equatable {
    case served
    /// It served them all before.
    case servesAlready
    case refused(UserError)
  }

  let board: StatusBoard
  let agent: NIOLoopBound<Agent>
  let loop: any EventLoop

  func take() async throws(UserError) -> Outcome {
    let decided = loop.makePromise(of: Outcome.self)
    loop.execute { ask(decided) }
    let outcome = (try? await decided.futureResult.get()) ?? .refused(Taking.away("it ended"))
    if case .refused(let error) = outcome { throw error }
    return outcome
  }

  private func ask(_ decided: EventLoopPromise<Outcome>) {
    let status = board.status
    switch status.state {
    case .online: return decided.succeed(.servesAlready)
    case .reconnecting: return decided.succeed(.refused(Taking.away(status.reason)))
    case .standby: break
    }
    let late = loop.scheduleTask(in: Taking.patience) {
      decided.succeed(.refused(Taking.away("the relay has not answered")))
    }
    decided.futureResult.whenComplete { _ in late.cancel() }
    // The loop ends with what waits on it.
    late.futureResult.whenFailure { _ in decided.succeed(.refused(Taking.away("it ends"))) }
    board.next { event in decided.succeed(Taking.outcome(event)) }
    guard agent.value.take() else { return decided.succeed(.refused(Taking.away(nil))) }
  }

  static func outcome(_ event: AgentEvent) -> Outcome {
    switch event {
    case .ready, .online: .served
    case .standby(let owner, _), .replaced(let owner):
      .refused(
        UserError(
          code: "domain-taken", message: "the relay leaves the domain to \(owner)",
          fix: "stop the agent there, or try again"))
    case .reconnecting(let reason, _): .refused(away(reason))
    case .error(let code, let message, let fix):
      .refused(UserError(code: code, message: message, fix: fix))
    case .request, .connection, .claimed, .warning: .refused(away(nil))
    }
  }

  private static func away(_ reason: String?) -> UserError {
    UserError(
      code: "not-connected",
      message: "this agent cannot ask the relay now" + (reason.map { ": \($0)" } ?? ""))
  }
}
