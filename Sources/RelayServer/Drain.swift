import NIOCore

/// Waits until no exchange runs any more.
struct Drain {
  private static let lookEvery = TimeAmount.milliseconds(50)
  private let core: NIOLoopBound<RelayCore>
  private let loop: any EventLoop

  init(_ core: NIOLoopBound<RelayCore>, _ loop: any EventLoop) {
    self.core = core
    self.loop = loop
  }

  func wait(atMost grace: Duration) async {
    let done = loop.makePromise(of: Void.self)
    let deadline = NIODeadline.now() + .nanoseconds(grace.nanoseconds)
    loop.execute { look(done, deadline) }
    try? await done.futureResult.get()
  }

  private func look(_ done: EventLoopPromise<Void>, _ deadline: NIODeadline) {
    if core.value.running == 0 || NIODeadline.now() >= deadline { return done.succeed() }
    loop.assumeIsolated().scheduleTask(in: Self.lookEvery) { look(done, deadline) }
  }
}
