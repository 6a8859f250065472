import Dispatch
import SessionLink
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// What the agent has to tell, on its way to the terminal: handed over at the end of the loop's
/// turn to the writer's thread, at once and in order. A terminal that somebody paused, or a pipe
/// that nobody reads, must not hold up the tunnel; past 10,000 lines new ones are dropped.
///
/// Belongs to the agent's event loop.
final class News: FlushTarget {
  private static let backlog = 10_000

  private let flusher: TickFlusher
  private let status: StatusBoard?
  private let output: Output
  private var waiting: [AgentEvent] = []
  private var dropped = 0

  init(
    _ flusher: TickFlusher, _ status: StatusBoard?,
    _ tell: @escaping @Sendable ([AgentEvent]) -> Void
  ) {
    self.flusher = flusher
    self.status = status
    output = Output(tell)
  }

  func add(_ event: AgentEvent) {
    status?.heed(event)
    if waiting.isEmpty { flusher.add(self) }
    waiting.append(event)
  }

  func flushNow() {
    if dropped > 0 {
      waiting.insert(.warning("\(dropped) lines were dropped: nobody read them"), at: 0)
    }
    if output.tell(waiting) {
      dropped = 0
    } else {
      dropped += waiting.count - (dropped > 0 ? 1 : 0)
    }
    waiting.removeAll(keepingCapacity: true)
  }

  /// Waits for what was told, but not for a reader who stopped reading.
  func finish() {
    flushNow()
    output.wait()
  }

  /// What the writer's thread is given. It is woken for the first of it; what comes within the
  /// moment after that waits for its next look, for a wake-up an exchange cost more than the
  /// exchange.
  private final class Output: Sendable {
    private static let patience = DispatchTimeInterval.milliseconds(200)
    private static let nap = timespec(tv_sec: 0, tv_nsec: 2_000_000)

    private struct State {
      var untold: [AgentEvent] = []
      var isAwake = false
    }

    private let state = Mutex(State())
    private let told = DispatchGroup()
    private let each: @Sendable ([AgentEvent]) -> Void

    init(_ each: @escaping @Sendable ([AgentEvent]) -> Void) { self.each = each }

    /// False: too much of it is unread already.
    func tell(_ events: [AgentEvent]) -> Bool {
      let (fits, wakes) = state.withLock { state in
        guard state.untold.count <= News.backlog else { return (false, false) }
        state.untold.append(contentsOf: events)
        defer { state.isAwake = true }
        return (true, !state.isAwake)
      }
      if wakes {
        told.enter()
        WriterThread.submit {
          self.work()
          self.told.leave()
        }
      }
      return fits
    }

    private func work() {
      while true {
        let events = state.withLock { state in
          let events = state.untold
          state.untold = []
          state.isAwake = !events.isEmpty
          return events
        }
        if events.isEmpty { return }
        each(events)
        var nap = Self.nap
        nanosleep(&nap, nil)
      }
    }

    func wait() { _ = told.wait(timeout: .now() + Self.patience) }
  }
}
