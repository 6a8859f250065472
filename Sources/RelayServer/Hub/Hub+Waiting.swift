import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// Requests that wait for an agent which the end of the relay before this one sent away. They stand
/// with their endpoint in the order in which they came, and go as soon as it is served.
extension Hub {
  /// Each keeps a head, and of its body what came in one read.
  static let waitingForOne = 1_024
  static let waitingInAll = 4_096

  /// False: nobody is expected, or too many wait; the request is refused at once.
  func mayWait(for endpoint: Endpoint) -> Bool {
    guard leaving == nil, endpoint.awaited != nil, endpoint.waiting.count < Self.waitingForOne,
      waitingNow < Self.waitingInAll
    else { return false }
    return endpoint.awaited?.wait(at: .now) != nil
  }

  /// False: the time is over by now.
  func wait(_ connection: IngressConnection, for endpoint: Endpoint) -> Bool {
    guard let end = endpoint.awaited?.wait(at: .now) else { return false }
    endpoint.waiting.append(connection)
    waitingNow += 1
    guard endpoint.waitEnds == nil else { return true }
    let delay = end - .now
    endpoint.waitEnds = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
      endpoint.waitEnds = nil
      self.release(endpoint)
    }
    return true
  }

  /// The client left.
  func forget(_ connection: IngressConnection, at endpoint: Endpoint) {
    guard let place = endpoint.waiting.firstIndex(where: { $0 === connection }) else { return }
    endpoint.waiting.remove(at: place)
    waitingNow -= 1
  }

  /// Somebody serves, or nobody came: each asks its way anew, the first first.
  func release(_ endpoint: Endpoint) {
    let waiting = endpoint.waiting
    endpoint.waiting = []
    endpoint.waitEnds?.cancel()
    endpoint.waitEnds = nil
    waitingNow -= waiting.count
    for connection in waiting { connection.goOn() }
  }

  /// The relay ends: the agent will not come back to this one.
  func endWaiting() {
    for endpoint in endpoints.values { release(endpoint) }
  }

  // MARK: - Who is awaited

  /// What the relay before this one served to its end is expected back for a while.
  func expect(_ directory: DirectorySnapshot, at now: Moment) {
    var expected: [(endpoint: Endpoint, epoch: Epoch)] = []
    let entries =
      directory.hosts.map { (endpoint($0.key), $0.value) }
      + directory.ports.map { (tcpEndpoint($0.key), $0.value) }
    for case (let endpoint?, let entry) in entries {
      guard let epoch = entry.servedIn else { continue }
      endpoint.awaited = AwaitedAgent(at: now, patience: patience)
      expected.append((endpoint, epoch))
    }
    guard !expected.isEmpty else { return }
    let absence = TimeAmount.nanoseconds(Ownership.absence.nanoseconds)
    loop.assumeIsolated().scheduleTask(in: absence) {
      // Whoever has not come by now is not awaited by the next relay either.
      for (endpoint, epoch) in expected where endpoint.awaited != nil {
        endpoint.awaited = nil
        self.noteLost(endpoint.id, epoch)
      }
    }
  }

  /// Written down together a moment later: where a network fails, a thousand go at once.
  func noteLost(_ endpoint: ID, _ epoch: Epoch) {
    // Agents that this relay itself sends away are awaited by the next one.
    guard leaving == nil else { return }
    lost.append((endpoint, epoch))
    guard lost.count == 1 else { return }
    loop.assumeIsolated().scheduleTask(in: .milliseconds(200)) {
      let lost = self.lost
      self.lost = []
      Task { [store = self.store] in try? await store.ownersLost(lost) }
    }
  }
}
