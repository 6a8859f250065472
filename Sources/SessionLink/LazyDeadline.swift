import NIOCore

/// A deadline that is moved with every message and almost never met: moving it later costs one
/// store, and the one timer behind it looks again when it fires.
///
/// Belongs to one event loop.
package final class LazyDeadline {
  private var due: NIODeadline?
  private var timer: Scheduled<Void>?
  private var firesAt = NIODeadline.distantFuture
  /// Runs on the loop once a deadline has passed; keep what it holds weak.
  package var met: () -> Void

  package init(met: @escaping () -> Void = {}) { self.met = met }

  package func set(_ limit: TimeAmount, on loop: any EventLoop) {
    let when = NIODeadline.now() + limit
    due = when
    if timer == nil || when < firesAt { arm(when, loop) }
  }

  package func clear() { due = nil }

  package func cancel() {
    due = nil
    timer?.cancel()
    timer = nil
  }

  private func arm(_ when: NIODeadline, _ loop: any EventLoop) {
    timer?.cancel()
    firesAt = when
    timer = loop.assumeIsolated().scheduleTask(deadline: when) { [weak self] in
      self?.fire(loop)
    }
  }

  private func fire(_ loop: any EventLoop) {
    timer = nil
    guard let due else { return }
    if due > NIODeadline.now() { return arm(due, loop) }
    self.due = nil
    met()
  }
}
