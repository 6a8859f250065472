import Logging
import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// One run of the agent, from start to exit code: the event loop, the signals, the watch.
package enum AgentRun {
  private static let lookEvery = TimeAmount.milliseconds(400)

  /// Serves until it is told to stop or must end; answers with the process's exit code. Throws
  /// what can be said before anything was dialed.
  package static func serve(
    _ settings: AgentSettings, _ terminal: Terminal, _ logger: Logger
  ) async throws(UserError) -> Int32 {
    let dialer = try settings.way.dialer()
    for warning in settings.warnings { terminal.show(.warning(warning)) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let end = loop.makePromise(of: AgentEnd.self)
    loop.execute {
      let agent = Agent(settings, dialer, loop: loop, end: end, logger: logger) { events in
        terminal.show(events)
      }
      start(agent, terminal, loop)
    }
    let how = try? await end.futureResult.get()
    try? await group.shutdownGracefully()
    return (how?.exit ?? .other).rawValue
  }

  private static func start(_ agent: Agent, _ terminal: Terminal, _ loop: any EventLoop) {
    let watch = ProcessWatch()
    let bound = NIOLoopBound(agent, eventLoop: loop)
    watch.listen { sign in
      loop.execute { heed(sign, bound.value) }
    }
    terminal.output.whenReaderGone {
      loop.execute { heed(.alone, bound.value) }
    }
    NetworkWatch.start(on: loop) { bound.value.networkChanged() }
    look(watch, agent, loop.assumeIsolated())
    agent.warnIfNobodyListens()
    agent.dial()
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
    case .alone: agent.alone()
    }
  }
}
