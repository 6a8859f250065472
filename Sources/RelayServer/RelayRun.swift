import Logging
import SessionLink
import TunnelCore

/// `relay serve`, from start to exit code.
package enum RelayRun {
  /// Serves until SIGTERM or SIGINT, then drains; a second one ends the process at once. `say` is
  /// called once, when the relay accepts connections.
  package static func serve(
    _ settings: ServeSettings, logger: Logger, say: @Sendable (Relay) -> Void
  ) async throws {
    let (asked, ask) = AsyncStream<Void>.makeStream()
    let signals = StopSignals { ask.finish() }
    let relay = try await Relay.start(settings, logger: logger)
    say(relay)
    StartupCode.giveBack()
    let watching = Task { await relay.watch() }
    for await _ in asked {}
    logger.info("draining")
    watching.cancel()
    await relay.stop()
    withExtendedLifetime(signals) {}
  }
}
