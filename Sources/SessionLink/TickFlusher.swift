import NIOCore

/// Something that has written and wants its bytes to leave before the loop sleeps again.
package protocol FlushTarget: AnyObject {
  func flushNow()
}

/// One flush per turn of the event loop, whatever was written in it: 2.3 system calls an
/// exchange at the agent, against 3.3 with a flush at the end of each read.
///
/// Belongs to one event loop. A target adds itself once a turn.
package final class TickFlusher {
  private let loop: NIOIsolatedEventLoop
  private var targets: [any FlushTarget] = []
  private var isScheduled = false
  private var isRunning = false
  /// Memory for what the targets put together themselves.
  let spare = SpareBuffer()

  package init(_ loop: any EventLoop) { self.loop = loop.assumeIsolated() }

  package func add(_ target: any FlushTarget) {
    targets.append(target)
    if isScheduled || isRunning { return }
    isScheduled = true
    loop.execute {
      self.isScheduled = false
      self.run()
    }
  }

  /// Flushes now; in a flush it does nothing, for that one goes on.
  ///
  /// A flush gives credit back, credit makes frames, frames want a flush: what adds itself
  /// meanwhile is served in the same turn.
  package func run() {
    if isRunning { return }
    isRunning = true
    var next = 0
    while next < targets.count {
      targets[next].flushNow()
      next += 1
    }
    targets.removeAll(keepingCapacity: true)
    isRunning = false
  }
}
