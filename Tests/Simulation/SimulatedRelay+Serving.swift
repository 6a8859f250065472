import Multiplexer
import TunnelCore

/// How a name gets its owner and loses it, as `RelayServer/Hub+Serving`.
extension SimulatedRelay {
  func serve(_ serve: Serve, _ session: SimulatedSession) {
    // GOAWAY was said: the agent asks the next relay.
    guard leaving == nil, let name = site.name(serve.wish) else { return }
    site.store.read(name) { [weak self] row in
      guard let self, !isGone, leaving == nil, !session.isLeaving, let link = session.link,
        !link.isOver
      else { return }
      let place = places[name]
      if place.life == nil, !place.isActing {
        place.life = EndpointLife(ownership(row), at: clock.now)
      }
      if !session.places.contains(where: { $0 === place }) { session.places.append(place) }
      let contender = session.contender(serve)
      world.note(.claims, session.id.low, UInt64(name), contender.heldEpoch.number)
      change(place) { $0.claim(contender, request: serve.request, at: clock.now) }
    }
  }

  /// As the relay that ran before left it: its owner is awaited as one that was lost just now.
  private func ownership(_ row: SimulatedStore.Row) -> Ownership {
    guard let owner = row.owner else { return Ownership(epoch: row.epoch) }
    let contender = Contender(
      install: owner.install, instance: owner.instance, session: owner.instance,
      label: "the agent of before", heldEpoch: row.epoch)
    return Ownership(epoch: row.epoch, awaiting: contender, at: clock.now)
  }

  /// The agent says that it leaves.
  func stop(_ endpoint: ID, _ session: SimulatedSession) {
    guard let place = session.places.first(where: { site.endpoint($0.name) == endpoint })
    else { return }
    session.places.removeAll { $0 === place }
    change(place) { $0.stop(session: session.id, at: clock.now) }
  }

  /// The agent is gone without a word.
  func lost(_ place: Place, by session: SimulatedSession) {
    change(place) { $0.lost(session: session.id, at: clock.now) }
  }

  /// Tells the life, then does what it wants; what is told meanwhile joins the end.
  private func change(_ place: Place, _ tell: (inout EndpointLife) -> Void) {
    guard !isGone, var life = place.life else { return }
    place.life = nil
    tell(&life)
    place.life = life
    if place.isActing { return }
    place.isActing = true
    while let action = place.life?.next() { act(action, place) }
    place.isActing = false
  }

  private func act(_ action: EndpointLife.Action, _ place: Place) {
    let name = UInt64(place.name)
    switch action {
    case .write(let epoch, let owner): write(place, epoch, owner)
    case .left(let epoch): site.store.left(place.name, epoch, by: number)
    case .free: break
    case .look(let moment): look(place, at: moment)
    case .probe(let id): probe(id, place)
    case .routeless:
      world.note(.routeless, number, name)
      place.route = nil
    case .serving(let id, let request, let epoch): give(place, epoch, to: id, request)
    case .standby(let id, let owner):
      world.note(.standby, id.low, name)
      site.witness.hasPlace(session(id))
      session(id)?.link?.send(
        .standby(
          endpoint: site.endpoint(place.name).wire, epoch: place.route?.epoch.number ?? 0,
          owner: owner.label, since: owner.since))
    case .replaced(let id, let owner):
      world.note(.replaced, id.low, name)
      session(id)?.places.removeAll { $0 === place }
      session(id)?.link?.send(
        .replaced(
          endpoint: site.endpoint(place.name).wire, epoch: place.route?.epoch.number ?? 0,
          owner: owner.label, since: owner.since))
    case .superseded(let id):
      world.note(.superseded, id.low, name)
      if !world.settings.has(.unfencedSession) { session(id)?.link?.close(.superseded) }
    case .taken(let id, let request, let owner):
      world.note(.taken, id.low, name)
      session(id)?.places.removeAll { $0 === place }
      session(id)?.link?.send(
        .refused(request: request, code: "domain-taken", message: owner.label, fix: ""))
    case .unwritten(let id, _):
      world.note(.unwritten, id.low, name)
      session(id)?.places.removeAll { $0 === place }
      session(id)?.end(.drain)
    }
  }

  private func write(_ place: Place, _ epoch: Epoch, _ owner: Contender) {
    world.note(.writes, number, UInt64(place.name), epoch.number)
    if let ownership = place.life?.ownership {
      site.witness.changes(ownership, to: owner, at: clock.now)
    }
    let answer = { [weak self] (outcome: EndpointLife.Outcome) in
      guard let self, !isGone else { return }
      writesUnderWay -= 1
      world.note(.written, number, UInt64(place.name), outcome.number)
      change(place) { $0.written(outcome, at: clock.now) }
    }
    writesUnderWay += 1
    let written = SimulatedStore.Owner(install: owner.install, instance: owner.instance)
    if world.settings.has(.earlyServing) {
      site.store.raise(place.name, to: epoch, written, by: number) { _ in }
      return answer(.done)
    }
    site.store.raise(place.name, to: epoch, written, by: number, answer)
  }

  /// The agent hears of it before any stream.
  private func give(_ place: Place, _ epoch: Epoch, to id: ID, _ request: UInt32) {
    guard let session = session(id) else { return }
    world.note(.serving, id.low, UInt64(place.name), epoch.number)
    site.witness.told(session, place.name, epoch, by: self)
    session.link?.send(
      .serving(
        request: request, endpoint: site.endpoint(place.name).wire, epoch: epoch.number,
        url: "https://" + site.host(place.name), claimed: false))
    if world.settings.has(.unfencedSession), let old = place.route, old.session.link != nil {
      return
    }
    place.route = (session, epoch)
  }

  private func look(_ place: Place, at moment: Moment) {
    if world.settings.has(.lostPromotion) { return }
    place.alarm += 1
    let alarm = place.alarm
    clock.at(moment) { [weak self] in
      guard let self, place.alarm == alarm else { return }
      change(place) { $0.due(at: clock.now) }
    }
  }

  /// A session that is closed for its silence is an answer too.
  private func probe(_ id: ID, _ place: Place) {
    world.note(.probed, id.low)
    guard let session = session(id) else {
      return change(place) { $0.lost(session: id, at: clock.now) }
    }
    session.probe { [weak self] in
      guard let self else { return }
      change(place) { $0.answered(session: id, at: clock.now) }
    }
  }
}

extension EndpointLife.Outcome {
  fileprivate var number: UInt64 {
    switch self {
    case .done: 0
    case .stale: 1
    case .failed: 2
    }
  }
}
