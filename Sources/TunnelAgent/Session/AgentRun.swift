import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// One run of the agent, from start to exit code: the event loop, the signals, the watch.
package enum AgentRun {
  private static let lookEvery = TimeAmount.milliseconds(400)

  /// Serves until it is told to stop or must end. What it has to say goes to `tell`, on the
  /// event loop.
  package static func serve(
    _ plan: AgentPlan, tell: @escaping @Sendable (AgentEvent) -> Void
  ) async -> AgentEnd {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let end = loop.makePromise(of: AgentEnd.self)
    loop.execute {
      let agent = Agent(plan, loop: loop, end: end, tell: tell)
      let watch = ProcessWatch()
      let bound = NIOLoopBound(agent, eventLoop: loop)
      watch.listen { sign in
        loop.execute { heed(sign, bound.value) }
      }
      look(watch, agent, loop.assumeIsolated())
      agent.dial()
    }
    let how = (try? await end.futureResult.get()) ?? AgentEnd(exit: .other, error: nil)
    try? await group.shutdownGracefully()
    return how
  }

  /// Looks around now and then, for as long as the agent lives.
  private static func look(
    _ watch: ProcessWatch, _ agent: Agent, _ loop: NIOIsolatedEventLoop
  ) {
    if let sign = watch.look() { heed(sign, agent) }
    if agent.hasEnded { return }
    loop.scheduleTask(in: lookEvery) { look(watch, agent, loop) }
  }

  private static func heed(_ sign: ProcessWatch.Sign, _ agent: Agent) {
    switch sign {
    case .asked: agent.stop()
    case .alone: agent.finish(.ok)
    case .woke: agent.woke()
    }
  }
}
