import NIOPosix
import Synchronization

/// What happened, in order, for a test that waits for it. One waits at a time.
final class Mailbox<Element: Sendable>: Sendable {
  struct Nothing: Error {}

  private struct State {
    var items: [Element] = []
    var waiter: CheckedContinuation<Element, any Error>?
  }

  private let state = Mutex(State())

  func put(_ item: Element) {
    let waiter = state.withLock { state in
      let waiter = state.waiter
      if waiter == nil { state.items.append(item) }
      state.waiter = nil
      return waiter
    }
    waiter?.resume(returning: item)
  }

  /// The oldest that nobody has taken; a wait of 30 s is a failed test.
  func next() async throws -> Element {
    let guarding = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: .seconds(30)) {
      self.state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }?.resume(throwing: Nothing())
    }
    defer { guarding.cancel() }
    return try await withCheckedThrowingContinuation { continuation in
      let item = state.withLock { state -> Element? in
        if state.items.isEmpty {
          state.waiter = continuation
          return nil
        }
        return state.items.removeFirst()
      }
      if let item { continuation.resume(returning: item) }
    }
  }

  /// The oldest that fits; those before it are dropped.
  func next(where fits: (Element) -> Bool) async throws -> Element {
    while true {
      let item = try await next()
      if fits(item) { return item }
    }
  }

  /// What nobody has taken so far.
  var waiting: [Element] { state.withLock { $0.items } }
}
