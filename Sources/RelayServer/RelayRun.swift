import Logging
import SessionLink
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// `relay serve`, from start to exit code.
package struct RelayRun: Sendable {
  private let settings: ServeSettings
  private let logger: Logger
  private let program: Program
  private let supervisor: SupervisorNotice?
  private let readAgain: @Sendable () throws(UserError) -> ServeSettings

  /// `program` is what a hand-over starts; `notify` is the supervisor's socket, if one wants to
  /// hear of the relay; `readAgain` is asked for a reload.
  package init(
    _ settings: ServeSettings, logger: Logger, program: Program, notify: String? = nil,
    readAgain: @escaping @Sendable () throws(UserError) -> ServeSettings
  ) {
    self.settings = settings
    self.logger = logger
    self.program = program
    self.readAgain = readAgain
    supervisor = notify.flatMap { SupervisorNotice(socket: $0) }
    if let notify, supervisor == nil {
      logger.warning("NOTIFY_SOCKET is no socket's name", metadata: ["name": "\(notify)"])
    }
  }

  /// Serves until SIGTERM or SIGINT, then drains, or until SIGUSR2 has brought up a successor; a
  /// second SIGTERM ends the process at once. `say` is called once, when the relay accepts
  /// connections.
  package func serve(
    inherited: InheritedDescriptors = .none, say: @Sendable (Relay) -> Void
  ) async throws {
    let (events, ask) = AsyncStream<Lifecycle.Event>.makeStream()
    let signals = StopSignals { ask.yield(.stopAsked) }
    signals.also(SIGUSR2) { ask.yield(.handoverAsked) }
    // From a terminal that is gone it says that the person is, too.
    let hasTerminal = isatty(STDERR_FILENO) == 1
    signals.also(SIGHUP) {
      ask.yield(hasTerminal && isatty(STDERR_FILENO) != 1 ? .stopAsked : .reloadAsked)
    }
    inherited.keep()
    let relay = try await Relay.start(settings, logger: logger, inherited: inherited)
    say(relay)
    if supervisor?.ready(status(relay), main: inherited.isSuccessor ? getpid() : nil) == false {
      logger.warning("the supervisor could not be told that the relay is ready")
    }
    var lifecycle = Lifecycle()
    var successor: Successor?
    var leaving: Task<Void, Never>?
    for await event in events {
      switch lifecycle.take(event) {
      case .startSuccessor: successor = await begin(relay, ask)
      case .goOn(let why):
        successor = nil
        logger.error("no hand-over, this relay goes on", metadata: ["reason": "\(why)"])
        _ = supervisor?.ready(status(relay))
      case .handOver:
        guard let successor else { continue }
        leaving = leave(ask) { await handOver(relay, to: successor) }
      case .endSuccessorAndDrain:
        successor?.terminate()
        leaving = leave(ask) { await drain(relay) }
      case .reload: relay.reload(readAgain)
      case .drain: leaving = leave(ask) { await drain(relay) }
      case .ignore(let why): logger.info("signal ignored", metadata: ["reason": "\(why)"])
      }
    }
    await leaving?.value
    withExtendedLifetime(signals) {}
  }

  /// Signals are heard meanwhile; the end of it ends the run.
  private func leave(
    _ ask: AsyncStream<Lifecycle.Event>.Continuation,
    _ body: @escaping @Sendable () async -> Void
  ) -> Task<Void, Never> {
    Task {
      await body()
      ask.finish()
    }
  }

  private func drain(_ relay: Relay) async {
    logger.info("draining")
    _ = supervisor?.stopping("Draining: what runs may finish, for \(relay.grace) at most")
    await relay.stop()
  }

  // MARK: - Hand-over

  private func begin(
    _ relay: Relay, _ ask: AsyncStream<Lifecycle.Event>.Continuation
  ) async -> Successor? {
    do {
      guard getpid() != 1 else {
        throw HandoverFault(description: "process 1 of a container cannot end before the others")
      }
      _ = supervisor?.reloading("Starting a successor")
      let successor = try await relay.startSuccessor(program)
      logger.info(
        "successor started",
        metadata: ["process": "\(successor.pid)", "program": "\(program.path)"])
      Task {
        do throws(HandoverFault) {
          try await successor.ready(within: Successor.patience)
          ask.yield(.successorReady)
        } catch {
          ask.yield(.successorFailed("\(error)"))
        }
      }
      return successor
    } catch {
      ask.yield(.successorFailed("\(error)"))
      return nil
    }
  }

  private func handOver(_ relay: Relay, to successor: Successor) async {
    logger.info("handing over", metadata: ["process": "\(successor.pid)"])
    // From the process that is watched now; the successor says it again.
    _ = supervisor?.ready("Handed over to process \(successor.pid)", main: successor.pid)
    await relay.handOver { successor.go() }
    logger.info("handed over")
  }

  private func status(_ relay: Relay) -> String { "Serving \(settings.base) on \(relay.listen)" }
}
