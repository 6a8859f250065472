import Multiplexer
import TunnelCore

import struct NIOCore.ByteBuffer

/// One relay process: who is here and who serves what, in memory that goes with it. Drives real
/// `EndpointLife`s, as `RelayServer/Hub` does.
final class SimulatedRelay {
  /// A name and who serves it, as `RelayServer/Hub/Endpoint`.
  final class Place {
    let name: Int
    var life: EndpointLife?
    var isActing = false
    var route: (session: SimulatedSession, epoch: Epoch)?
    var alarm = 0

    init(_ name: Int) { self.name = name }
  }

  let number: UInt64
  unowned let world: World
  unowned let site: Site
  let clock: Machine
  private(set) var places: [Place]
  private(set) var sessions: [SimulatedSession] = []
  private(set) var exchanges: [RelayExchange] = []
  /// Set once it ends or hands over: no agent gets a name here any more.
  private(set) var leaving: GoAway.Code?
  private(set) var isGone = false
  /// Owners that are being written down.
  var writesUnderWay = 0

  init(_ site: Site, _ world: World) {
    number = site.nextRelayNumber()
    self.site = site
    self.world = world
    clock = Machine(1_000 + number, world)
    places = (0..<site.names).map { Place($0) }
    world.note(.relayStarts, number)
  }

  /// A login that was let in: the link begins on this side.
  func enter(_ wire: Wire) {
    let session = SimulatedSession(self)
    sessions.append(session)
    world.note(.sessionEnters, number, session.id.low)
    wire.send(.accepted, to: .agent)
    session.begin(wire, world)
    if let leaving { session.link?.goAway(leaving) }
  }

  func session(_ id: ID) -> SimulatedSession? { sessions.first { $0.id == id } }

  func ended(_ session: SimulatedSession) {
    world.note(.sessionEnds, number, session.id.low)
    sessions.removeAll { $0 === session }
    let places = session.places
    session.places = []
    for place in places { lost(place, by: session) }
    site.witness.gone(session, self)
  }

  // MARK: - Requests

  /// Somebody asks for a name: refused at once if nobody serves it.
  func request(_ name: Int) -> RelayExchange {
    let number = world.nextNumber()
    world.note(.asked, number, UInt64(name), self.number)
    let route = places[name].route
    let exchange = RelayExchange(
      number, name: name, epoch: route?.epoch ?? .never, session: route?.session.id.low ?? 0,
      self, site.witness)
    exchanges.append(exchange)
    site.witness.accepted(exchange)
    guard let route, let link = route.session.link,
      let slot = link.open(open(exchange, route.epoch), exchange)
    else {
      exchange.finish(.offline)
      return exchange
    }
    world.note(.opened, number, route.session.id.low, route.epoch.number)
    site.witness.opened(exchange, by: self)
    var bytes = ByteBuffer()
    bytes.writeRepeatingByte(0, count: world.dice.between(1, 300))
    link.send(slot, bytes, end: true)
    giveUpSometimes(exchange, link, slot)
    return exchange
  }

  private func open(_ exchange: RelayExchange, _ epoch: Epoch) -> Open {
    Open(
      endpoint: site.endpoint(exchange.name).wire, epoch: epoch.number, kind: .http,
      exchange: ID(high: 0xe8c4, low: exchange.number).wire, client: "192.0.2.1", secure: true,
      host: site.host(exchange.name), receivedAt: clock.wall)
  }

  /// A client that does not wait for its answer.
  private func giveUpSometimes(_ exchange: RelayExchange, _ link: SimulatedLink, _ slot: Slot) {
    guard world.dice.chance(4) else { return }
    world.after(world.dice.milliseconds(0, 1_500)) { [weak self] in
      guard let self, !isGone, exchange.end == nil else { return }
      link.refuse(slot, Farewell(.cancelled, blame: .client))
      exchange.finish(.cancelled)
    }
  }

  func exchangeEnded() { exchanges.removeAll { $0.end != nil } }

  // MARK: - Ends

  /// It gives nobody a name any more; what is being written still is.
  func leave(_ code: GoAway.Code) {
    leaving = code
    if world.settings.has(.lateOwner) || world.settings.has(.unfencedStore) { return }
    for place in places { place.life?.leave() }
  }

  func sayGoodbye() {
    guard let leaving else { return }
    for session in sessions { session.link?.goAway(leaving) }
  }

  /// Nothing runs any more, or its time is over: it closes its links and is gone.
  func end() {
    for session in sessions { session.link?.close() }
    dies()
  }

  /// At once. `silently`: the machine lost its power, and no end of a connection hears of it.
  func kill(silently: Bool) {
    world.note(.relayKilled, number, silently ? 1 : 0)
    for session in sessions {
      if silently { session.link?.wire.cut(heardBy: []) }
      session.link?.vanish()
    }
    dies()
  }

  /// Nobody is kept: sessions and places know each other.
  func forget() {
    for session in sessions {
      session.link?.vanish()
      session.places = []
    }
    for place in places { place.route = nil }
    sessions = []
  }

  private func dies() {
    isGone = true
    site.store.dies(number)
    forget()
    for exchange in exchanges { exchange.finish(.relayGone) }
    world.note(.relayGone, number)
  }
}
