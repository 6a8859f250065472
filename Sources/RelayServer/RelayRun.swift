import Dispatch
import Logging
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// `relay serve`, from start to exit code.
package enum RelayRun {
  /// Serves until SIGTERM or SIGINT, then drains; a second one ends the process at once. `say` is
  /// called once, when the relay accepts connections.
  package static func serve(
    _ settings: ServeSettings, logger: Logger, say: @Sendable (Relay) -> Void
  ) async throws {
    let signals = Signals()
    let relay = try await Relay.start(settings, logger: logger)
    say(relay)
    let watching = Task { await relay.watch() }
    await signals.first()
    logger.info("draining")
    watching.cancel()
    await relay.stop()
  }
}

/// SIGTERM and SIGINT as something to wait for.
private final class Signals {
  private let heard: AsyncStream<Void>
  private let sources: [any DispatchSourceSignal]

  init() {
    let (heard, hear) = AsyncStream<Void>.makeStream()
    self.heard = heard
    let queue = DispatchQueue(label: "signals")
    let seen = DispatchSemaphore(value: 1)
    sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        guard seen.wait(timeout: .now()) == .success else { _exit(130) }
        hear.yield()
      }
      source.resume()
      return source
    }
  }

  func first() async {
    for await _ in heard { return }
  }
}
