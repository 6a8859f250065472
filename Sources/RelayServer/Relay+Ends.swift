import NIOCore
import SessionLink
import TunnelCore

/// How a relay ends: by a drain, or by one that leaves everything new to a successor.
extension Relay {
  /// Takes no more connections, lets what runs finish for at most `grace`, ends. Connections that
  /// rest are closed at once.
  package func stop(grace: Duration? = nil) async {
    let core = core
    await endReloading()
    await letIn()
    for listener in listeners + redirects { try? await listener.close() }
    try? await group.next().submit {
      core.value.isDraining = true
      core.value.hub.sockets?.closeAll()
      core.value.hub.leave(.drain)
      core.value.hub.sayGoodbye()
      core.value.open.windDown(closesIdle: true)
      core.value.hub.endWaiting()
    }.get()
    await finish(grace ?? self.grace)
  }

  /// Who has knocked already comes in: with the socket the kernel would reset them. Each turn of
  /// the loop takes some of them before it does what it was given.
  private func letIn() async {
    let loop = group.next()
    for _ in 0..<Listener.turnsToEmpty { try? await loop.submit {}.get() }
  }

  /// What a successor inherits is this relay's: started, and ready or not, it changes nothing here.
  func startSuccessor(_ program: Program) async throws -> Successor {
    let (listeners, redirects, lock, core) = (listeners, redirects, lock, core)
    return try await group.next().submit {
      try Successor.start(
        program, listeners: Self.sockets(listeners), redirects: Self.sockets(redirects),
        ports: core.value.hub.sockets?.all ?? [], lock: lock.descriptor)
    }.get()
  }

  static func sockets(_ listeners: [any Channel]) throws -> [Int32] {
    try listeners.compactMap { listener in
      try listener.pipeline.syncOperations.withUnsafeTransportIfAvailable(
        of: NIOBSDSocket.Handle.self
      ) { $0 }
    }
  }

  /// The successor is ready: it gets everything new from here on. Agents are told to dial again,
  /// and what still comes on connections of this relay goes down its old links; each connection
  /// ends with its next answer. `go` tells the successor that everything is its own. Returns once
  /// all connections have ended, or after the grace.
  func handOver(_ go: @Sendable () -> Void) async {
    let core = core
    let loop = group.next()
    // What is written down of the certificates is the successor's to say.
    await endReloading()
    // Requests that wait for an agent of this relay's start would wait in vain.
    await core.poll(on: loop, atMost: AwaitedAgent.patience) { $0.hub.waitingNow == 0 }
    _ = try? await loop.submit { core.value.hub.leave(.handover) }.get()
    // An owner that is written down behind the successor's back would share its epoch.
    await core.poll(on: loop, atMost: grace) { $0.hub.writesUnderWay == 0 }
    // Closed, not shut down: the socket is the successor's too, with whoever waits in it.
    for listener in listeners + redirects { try? await listener.close() }
    _ = try? await loop.submit {
      core.value.isDraining = true
      core.value.hub.sockets?.closeAll()
      core.value.hub.sayGoodbye()
      core.value.open.windDown(closesIdle: false)
      core.value.hub.endWaiting()
    }.get()
    go()
    await finish(grace)
  }

  private func finish(_ grace: Duration) async {
    let core = core
    let loop = group.next()
    await core.poll(on: loop, atMost: grace) { $0.open.count == 0 }
    let watching = watching.withLock { $0 }
    watching?.cancel()
    await watching?.value
    try? await loop.submit {
      core.value.hub.closeLinks()
      core.value.logRefusals()
      core.value.exchangeLog.handOver()
    }.get()
    await api.stop()
    try? await group.shutdownGracefully()
    log.flush()
  }
}

extension NIOLoopBound<RelayCore> {
  private static var pace: TimeAmount { .milliseconds(20) }

  /// Returns once the loop finds it true, or the time is over.
  fileprivate func poll(
    on loop: any EventLoop, atMost limit: Duration,
    until isTrue: @escaping @Sendable (RelayCore) -> Bool
  ) async {
    let done = loop.makePromise(of: Void.self)
    let deadline = NIODeadline.now() + .nanoseconds(limit.nanoseconds)
    loop.execute { look(loop, deadline, done, isTrue) }
    try? await done.futureResult.get()
  }

  private func look(
    _ loop: any EventLoop, _ deadline: NIODeadline, _ done: EventLoopPromise<Void>,
    _ isTrue: @escaping @Sendable (RelayCore) -> Bool
  ) {
    if isTrue(value) || NIODeadline.now() >= deadline { return done.succeed() }
    loop.scheduleTask(in: Self.pace) { look(loop, deadline, done, isTrue) }
  }
}
