import Logging
import SessionLink
import TunnelCore

/// `relay serve`, from start to exit code.
package enum RelayRun {
  /// Serves until SIGTERM or SIGINT, then drains; a second one ends the process at once. `say` is
  /// called once, when the relay accepts connections; `notify` is the supervisor's socket, if one
  /// wants to hear of it.
  package static func serve(
    _ settings: ServeSettings, logger: Logger, notify: String? = nil,
    say: @Sendable (Relay) -> Void
  ) async throws {
    let supervisor = notify.flatMap { SupervisorNotice(socket: $0) }
    if let notify, supervisor == nil {
      logger.warning("NOTIFY_SOCKET is no socket's name", metadata: ["name": "\(notify)"])
    }
    let (asked, ask) = AsyncStream<Void>.makeStream()
    let signals = StopSignals { ask.finish() }
    let relay = try await Relay.start(settings, logger: logger)
    say(relay)
    if supervisor?.ready("Serving \(settings.base) on \(relay.listen)") == false {
      logger.warning("the supervisor could not be told that the relay is ready")
    }
    let watching = Task { await relay.watch() }
    for await _ in asked {}
    logger.info("draining")
    _ = supervisor?.stopping("Draining: what runs may finish, for 30 s at most")
    watching.cancel()
    await relay.stop()
    withExtendedLifetime(signals) {}
  }
}
