import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// How an endpoint gets its owner and loses it: who, and in which order, is `EndpointLife`'s to
/// decide.
extension Hub {
  func serve(_ serve: Serve, _ session: RelaySession) {
    // GOAWAY was said: the agent asks the next relay.
    guard leaving == nil else { return }
    let policies: Policies
    do throws(PolicyFault) {
      policies = try Policies(lines: serve.policies)
      if case .tcp = serve.wish, !policies.isEmpty {
        throw PolicyFault("policies are for HTTP, and this is a TCP endpoint")
      }
    } catch {
      return refuse(serve.request, UserError(policy: error), session)
    }
    let request = ClaimRequest(
      wish: serve.wish, login: session.login, base: base, offer: sockets?.offer, logger: logger)
    let found = loop.makePromise(of: ClaimedEndpoint.self)
    found.completeWithTask { [store] in try await request.carryOut(store) }
    found.futureResult.assumeIsolated().whenComplete { result in
      guard session.link != nil, !session.isLeaving, self.leaving == nil else { return }
      switch result {
      case .success(let claimed):
        let endpoint = self.endpoint(claimed, of: session.login.account)
        session.endpoints[endpoint.id] = endpoint
        session.declared[endpoint.id] = policies
        if claimed.isNew { endpoint.claimedBy = session.id }
        let contender = session.contender(serve)
        self.change(endpoint) { $0.claim(contender, request: serve.request, at: .now) }
      case .failure(let error): self.refuse(serve.request, error, session)
      }
    }
  }

  /// Nobody is told that he serves a port that is not ours; nil: it is.
  private func hold(_ port: Int) -> UserError? {
    do {
      try sockets?.hold(port)
      return nil
    } catch {
      logger.warning(
        "TCP port not available", metadata: ["port": "\(port)", "reason": "\(error.words)"])
      return UserError(portInUse: port, isHeld: true)
    }
  }

  /// Names of CI tokens that the relay before this one left: they are freed if their owners do not
  /// come back.
  func expect(_ left: [TemporaryEndpoint]) {
    for name in left {
      var claimed = ClaimedEndpoint(
        endpoint: name.endpoint, host: name.host, lastOwner: name.lastOwner, isTemporary: true)
      claimed.isLeft = true
      change(endpoint(claimed, of: name.account)) { $0.due(at: .now) }
    }
  }

  /// The agent says that it leaves.
  func stop(_ id: ID, _ session: RelaySession) {
    guard let endpoint = session.endpoints.removeValue(forKey: id) else { return }
    change(endpoint) { $0.stop(session: session.id, at: .now) }
  }

  /// The agent is gone without a word.
  func lost(_ endpoint: Endpoint, by session: RelaySession) {
    if endpoint.serving === session { noteLost(endpoint.id, endpoint.epoch) }
    change(endpoint) { $0.lost(session: session.id, at: .now) }
  }

  /// Tells the life, then does what it wants; what is told meanwhile joins the end.
  private func change(_ endpoint: Endpoint, _ tell: (inout EndpointLife) -> Void) {
    guard !endpoint.isGone, var life = endpoint.life else { return }
    endpoint.life = nil
    tell(&life)
    endpoint.life = life
    if endpoint.isActing { return }
    endpoint.isActing = true
    while let action = endpoint.life?.next() { act(action, endpoint) }
    endpoint.isActing = false
  }

  private func act(_ action: EndpointLife.Action, _ endpoint: Endpoint) {
    switch action {
    case .write(let epoch, let owner):
      if let port = endpoint.port, let fault = hold(port) {
        endpoint.fault = fault
        return change(endpoint) { $0.written(.failed, at: .now) }
      }
      write(endpoint, epoch, owner)
    case .left(let epoch):
      Task { [store, id = endpoint.id] in try? await store.ownerLeft(id, epoch: epoch) }
    case .free:
      Task { [store, id = endpoint.id, epoch = endpoint.life?.ownership.epoch ?? .never] in
        try? await store.freeTemporary(id, epoch: epoch)
      }
    case .look(let moment): look(endpoint, at: moment)
    case .probe(let id): probe(id, endpoint)
    case .routeless:
      endpoint.route(to: nil)
      presence.set(endpoint, online: false)
    case .serving(let id, let request, let epoch): give(endpoint, epoch, to: id, request)
    case .standby(let id, let owner): sessions[id]?.send(.standby(endpoint, owner))
    case .replaced(let id, let owner):
      sessions[id]?.endpoints[endpoint.id] = nil
      sessions[id]?.send(.replaced(endpoint, owner))
    case .superseded(let id):
      // Nobody is at its other end: what runs there must not wait for the heartbeat to say so.
      sessions[id]?.link?.close(.superseded)
    case .taken(let id, let request, let owner):
      guard let session = sessions[id] else { return }
      session.endpoints[endpoint.id] = nil
      refuse(request, UserError(taken: endpoint.name, by: owner), session)
    case .unwritten(let id, let request):
      guard let session = sessions[id] else { return }
      session.endpoints[endpoint.id] = nil
      refuse(request, endpoint.fault ?? StoreFault.noSuchDomain(endpoint.name), session)
    }
  }

  private func write(_ endpoint: Endpoint, _ epoch: Epoch, _ owner: Contender) {
    writesUnderWay += 1
    // One that is gone by now cannot say it: what held before goes on.
    let declared = sessions[owner.session]?.declared[endpoint.id]?.lines ?? endpoint.kept
    let written = loop.makePromise(of: EndpointLife.Outcome.self)
    written.completeWithTask { [store, id = endpoint.id] in
      do {
        try await store.raiseEpoch(
          of: id, to: epoch, install: owner.install, instance: owner.instance,
          policies: declared)
        return .done
      } catch StoreFault.staleEpoch(let known) {
        return .stale(known)
      }
    }
    written.futureResult.assumeIsolated().whenComplete { result in
      self.writesUnderWay -= 1
      if case .failure(let error) = result { endpoint.fault = error }
      let outcome = (try? result.get()) ?? .failed
      if case .done = outcome { endpoint.kept = declared }
      self.change(endpoint) { $0.written(outcome, at: .now) }
      // Held for a claim that came to nothing.
      guard let port = endpoint.port, !endpoint.isGone else { return }
      if endpoint.serving == nil { self.sockets?.close(port) }
    }
  }

  /// The agent hears of it before any stream.
  private func give(
    _ endpoint: Endpoint, _ epoch: Epoch, to id: ID, _ request: UInt32
  ) {
    // Whose declaration is not known serves nothing.
    guard let session = sessions[id], let policies = session.declared[endpoint.id] else { return }
    endpoint.hold(policies)
    guard policies.lines == endpoint.kept else {
      return keep(policies.lines, endpoint, epoch, session, request)
    }
    let isNew = endpoint.claimedBy == id
    if isNew { endpoint.claimedBy = nil }
    session.send(
      .serving(
        request: request, endpoint: endpoint.id.wire, epoch: epoch.number,
        url: endpoint.port == nil ? urls.url(endpoint.host) : endpoint.name, claimed: isNew))
    endpoint.route(to: session, epoch)
    presence.set(endpoint, online: true)
  }

  /// Its owner declares it anew: on disk before the agent hears that it is so.
  private func keep(
    _ policies: [String], _ endpoint: Endpoint, _ epoch: Epoch, _ session: RelaySession,
    _ request: UInt32
  ) {
    writesUnderWay += 1
    let written = loop.makePromise(of: Void.self)
    written.completeWithTask { [store, id = endpoint.id] in
      try await store.keepPolicies(policies, of: id, epoch: epoch)
    }
    written.futureResult.assumeIsolated().whenComplete { result in
      self.writesUnderWay -= 1
      if case .failure(let error) = result { return self.refuse(request, error, session) }
      guard !endpoint.isGone, let route = endpoint.life?.route, route == (session.id, epoch)
      else { return }
      endpoint.kept = policies
      self.give(endpoint, epoch, to: session.id, request)
    }
  }

  private func look(_ endpoint: Endpoint, at moment: Moment) {
    endpoint.timer?.cancel()
    let delay = moment - .now
    endpoint.timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
      self.change(endpoint) { $0.due(at: .now) }
    }
  }

  /// A session that is closed for its silence is an answer too.
  private func probe(_ id: ID, _ endpoint: Endpoint) {
    guard let session = sessions[id] else {
      return change(endpoint) { $0.lost(session: id, at: .now) }
    }
    session.probe { self.change(endpoint) { $0.answered(session: id, at: .now) } }
  }

  // MARK: - No

  /// Only a name that cannot be had ends an agent; from what is the relay's trouble it comes back.
  private func refuse(_ request: UInt32, _ error: any Error, _ session: RelaySession) {
    let shown = UserError(relay: error)
    var metadata = session.metadata
    metadata["code"] = "\(shown.code)"
    metadata["message"] = "\(shown.message)"
    logger.info("serve refused", metadata: metadata)
    guard shown.exit == .taken || shown.exit == .usage else {
      return session.end(.drain, "the relay cannot give the domain now: \(shown.message)")
    }
    session.send(
      .refused(
        request: request, code: shown.code, message: shown.message, fix: shown.fix ?? ""))
  }
}

extension UserError {
  fileprivate init(policy fault: PolicyFault) {
    self.init(code: "policy-invalid", message: fault.message, fix: fault.fix)
  }

  /// `--if-taken fail`.
  fileprivate init(taken name: String, by owner: Contender) {
    self.init(
      code: "domain-taken", message: "\(owner.label) serves \(name) now",
      fix: "end that agent first, or start without `--if-taken fail` to take its place")
  }
}

extension Control {
  fileprivate static func standby(_ endpoint: Endpoint, _ owner: Contender) -> Control {
    .standby(
      endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, owner: owner.label,
      since: owner.since)
  }

  fileprivate static func replaced(_ endpoint: Endpoint, _ owner: Contender) -> Control {
    .replaced(
      endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, owner: owner.label,
      since: owner.since)
  }
}
