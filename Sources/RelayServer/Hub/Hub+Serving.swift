import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// How an endpoint gets its owner and loses it; who, is `Ownership`'s to decide.
extension Hub {
  func serve(_ serve: Serve, _ session: RelaySession) {
    let request = ClaimRequest(wish: serve.wish, account: session.login.account, base: base)
    let found = loop.makePromise(of: ClaimedEndpoint.self)
    found.completeWithTask { [store] in try await request.carryOut(store) }
    found.futureResult.assumeIsolated().whenComplete { result in
      guard session.link != nil else { return }
      switch result {
      case .success(let claimed): self.decide(claimed, serve, session)
      case .failure(let error): self.refuse(serve, error, session)
      }
    }
  }

  private func decide(_ claimed: ClaimedEndpoint, _ serve: Serve, _ session: RelaySession) {
    let endpoint = endpoint(claimed, of: session.login.account)
    var ownership = endpoint.ownership ?? claimed.ownership(at: .now)
    let decision = ownership.claim(session.contender(serve))
    endpoint.ownership = ownership
    session.endpoints[endpoint.id] = endpoint
    switch decision {
    case .standby(let owner): session.send(.standby(endpoint, owner))
    case .replaced(let owner):
      session.endpoints[endpoint.id] = nil
      session.send(.replaced(endpoint, owner))
    case .serve(let epoch, let displaced):
      give(serve.request, endpoint, epoch, to: session, from: displaced, isNew: claimed.isNew)
    }
    expectBack(endpoint)
  }

  private func tell(_ displaced: Displaced, _ endpoint: Endpoint) {
    guard let session = sessions[displaced.session], let owner = endpoint.ownership?.owner
    else { return }
    switch displaced.notice {
    case .silent: session.endpoints[endpoint.id] = nil
    case .replaced:
      session.endpoints[endpoint.id] = nil
      session.send(.replaced(endpoint, owner))
    case .standby: session.send(.standby(endpoint, owner))
    }
  }

  /// The route changes only when the epoch is on disk, and the agent hears of it before any stream:
  /// until then the owner of before goes on.
  private func give(
    _ request: UInt32, _ endpoint: Endpoint, _ epoch: Epoch, to session: RelaySession,
    from displaced: [Displaced], isNew: Bool
  ) {
    guard let hello = session.hello else { return }
    let (id, install, instance) = (endpoint.id, ID(hello.install), ID(hello.instance))
    let written = loop.makePromise(of: Void.self)
    written.completeWithTask { [store] in
      do {
        try await store.raiseEpoch(of: id, to: epoch, install: install, instance: instance)
      } catch StoreFault.staleEpoch {
        // A newer owner was written meanwhile; this session is told so by its own claim.
      }
    }
    written.futureResult.assumeIsolated().whenComplete { result in
      guard endpoint.ownership?.owner?.session == session.id, endpoint.epoch == epoch
      else { return }
      if case .failure(let error) = result {
        self.stop(id, session)
        return self.refuse(Serve(request: request, wish: .first), error, session)
      }
      session.send(
        .serving(
          request: request, endpoint: id.wire, epoch: epoch.number,
          url: self.urls.url(endpoint.host), claimed: isNew))
      endpoint.serving = session
      self.presence.set(endpoint.host, online: true)
      for other in displaced { self.tell(other, endpoint) }
    }
  }

  private func refuse(_ serve: Serve, _ error: any Error, _ session: RelaySession) {
    let shown = UserError(relay: error)
    var metadata = session.metadata
    metadata["code"] = "\(shown.code)"
    logger.info("serve refused", metadata: metadata)
    session.send(
      .refused(
        request: serve.request, code: shown.code, message: shown.message, fix: shown.fix ?? ""))
  }

  // MARK: - Leaving

  /// The agent says that it leaves: whoever waits follows at once.
  func stop(_ id: ID, _ session: RelaySession) {
    guard let endpoint = session.endpoints.removeValue(forKey: id) else { return }
    let epoch = endpoint.epoch
    leave(endpoint, session)
    promote(endpoint.ownership?.stop(session: session.id), endpoint)
    Task { [store] in try? await store.ownerLeft(id, epoch: epoch) }
  }

  /// The agent is gone without a word: its place is kept for a while.
  func lost(_ endpoint: Endpoint, by session: RelaySession) {
    endpoint.ownership?.lost(session: session.id, at: .now)
    leave(endpoint, session)
    expectBack(endpoint)
  }

  private func leave(_ endpoint: Endpoint, _ session: RelaySession) {
    guard endpoint.serving === session else { return }
    endpoint.serving = nil
    presence.set(endpoint.host, online: false)
  }

  private func expectBack(_ endpoint: Endpoint) {
    guard !endpoint.isAwaited, let deadline = endpoint.ownership?.deadline else { return }
    endpoint.isAwaited = true
    let delay = deadline - .now
    loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
      endpoint.isAwaited = false
      self.promote(endpoint.ownership?.due(at: .now), endpoint)
      self.expectBack(endpoint)
    }
  }

  private func promote(_ next: Promotion?, _ endpoint: Endpoint) {
    guard let next, let session = sessions[next.owner.session] else { return }
    give(0, endpoint, next.epoch, to: session, from: [], isNew: false)
  }
}

extension Control {
  static func standby(_ endpoint: Endpoint, _ owner: Contender) -> Control {
    .standby(
      endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, owner: owner.label,
      since: owner.since)
  }

  static func replaced(_ endpoint: Endpoint, _ owner: Contender) -> Control {
    .replaced(
      endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, owner: owner.label,
      since: owner.since)
  }
}
