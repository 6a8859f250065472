import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// SIGINT and SIGTERM: the first asks the process to stop in order, the second ends it with 130 at
/// once. Keep it for as long as the process should listen.
package final class StopSignals {
  private let queue = DispatchQueue(label: "signals")
  private var sources: [any DispatchSourceSignal] = []

  /// `asked` runs once, on a queue of its own.
  package init(asked: @escaping @Sendable () -> Void) {
    let count = Count()
    for number in [SIGINT, SIGTERM] {
      also(number) {
        if count.next() > 1 { _exit(130) }
        asked()
      }
    }
  }

  /// Another signal, which only ever means one thing.
  package func also(_ number: CInt, _ heard: @escaping @Sendable () -> Void) {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
    source.setEventHandler(handler: heard)
    source.resume()
    sources.append(source)
  }

  private final class Count: Sendable {
    private let seen = Atomic<Int>(0)

    func next() -> Int { seen.add(1, ordering: .relaxed).newValue }
  }
}
