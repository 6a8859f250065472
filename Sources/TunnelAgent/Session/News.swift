import Dispatch
import SessionLink
import Synchronization

/// What the agent has to tell, on its way to the terminal: handed over at the end of the loop's
/// turn to a thread of its own, at once and in order. A terminal that somebody paused, or a pipe
/// that nobody reads, must not hold up the tunnel; past 10,000 lines new ones are dropped.
///
/// Belongs to the agent's event loop.
final class News: FlushTarget {
  private static let backlog = 10_000

  private let flusher: TickFlusher
  private let output: Output
  private var waiting: [AgentEvent] = []
  private var dropped = 0

  init(_ flusher: TickFlusher, _ tell: @escaping @Sendable (AgentEvent) -> Void) {
    self.flusher = flusher
    output = Output(tell)
  }

  func add(_ event: AgentEvent) {
    if waiting.isEmpty { flusher.add(self) }
    waiting.append(event)
  }

  func flushNow() {
    var events = waiting
    waiting.removeAll(keepingCapacity: true)
    if output.untold.load(ordering: .relaxed) > Self.backlog {
      dropped += events.count
      return
    }
    if dropped > 0 {
      events.insert(.warning("\(dropped) lines were dropped: nobody read them"), at: 0)
      dropped = 0
    }
    output.tell(events)
  }

  /// Waits for what was told, but not for a reader who stopped reading.
  func finish() {
    flushNow()
    output.wait()
  }

  private final class Output: Sendable {
    private static let patience = DispatchTimeInterval.milliseconds(200)

    let untold = Atomic<Int>(0)
    private let queue = DispatchQueue(label: "terminal")
    private let told = DispatchGroup()
    private let each: @Sendable (AgentEvent) -> Void

    init(_ each: @escaping @Sendable (AgentEvent) -> Void) { self.each = each }

    func tell(_ events: [AgentEvent]) {
      untold.add(events.count, ordering: .relaxed)
      queue.async(group: told) {
        for event in events { self.each(event) }
        self.untold.subtract(events.count, ordering: .relaxed)
      }
    }

    func wait() { _ = told.wait(timeout: .now() + Self.patience) }
  }
}
