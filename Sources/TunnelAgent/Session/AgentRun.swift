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
    _ settings: AgentSettings, _ terminal: Terminal, _ logger: Logger, _ herald: Herald? = nil
  ) async throws(UserError) -> Int32 {
    let dialer = try settings.way.dialer()
    for warning in settings.warnings { terminal.show(.warning(warning)) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let end = loop.makePromise(of: AgentEnd.self)
    let board = StatusBoard(settings)
    let made = loop.submit {
      let agent = Agent(
        settings, dialer, loop: loop, end: end, logger: logger, status: board
      ) { events in
        terminal.show(events)
        herald?.tell(events)
      }
      let bound = NIOLoopBound(agent, eventLoop: loop)
      return (bound, listen(bound, terminal, loop))
    }
    guard let (agent, watch) = try? await made.get() else { return ExitCode.other.rawValue }
    // Before the first dial: whoever reads `ready` may ask at once.
    let taking = Taking(board: board, agent: agent, loop: loop)
    let web = await AgentWeb.start(settings, board, taking, logger) {
      terminal.show(.warning($0))
    }
    loop.execute {
      if agent.value.hasEnded { return }
      NetworkWatch.start(on: loop) { agent.value.networkChanged() }
      look(watch.value, agent.value, loop.assumeIsolated())
      agent.value.warnIfNobodyListens()
      agent.value.dial()
    }
    let how = try? await end.futureResult.get()
    web?.stop()
    try? await group.shutdownGracefully()
    return (how?.exit ?? .other).rawValue
  }

  private static func listen(
    _ agent: NIOLoopBound<Agent>, _ terminal: Terminal, _ loop: any EventLoop
  ) -> NIOLoopBound<ProcessWatch> {
    let watch = ProcessWatch()
    watch.listen { sign in
      loop.execute { heed(sign, agent.value) }
    }
    terminal.output.whenReaderGone {
      loop.execute { heed(.alone, agent.value) }
    }
    return NIOLoopBound(watch, eventLoop: loop)
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
