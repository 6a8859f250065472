import Multiplexer
import TunnelCore

import struct NIOCore.ByteBuffer

/// Why a link ended, as `SessionLink/LinkEnd` has it.
enum SimulatedLinkEnd: Equatable {
  case closed
  case broken
  case silent
  case superseded
}

/// Who a link belongs to, as `SessionLink/LinkOwner`.
protocol SimulatedLinkOwner: AnyObject {
  /// False: what came is too old to be read, and so is all that follows.
  func mayRead() -> Bool
  func link(_ link: SimulatedLink, said hello: Hello)
  func link(_ link: SimulatedLink, opened open: Open, slot: Slot) -> (any SimulatedStreamEnd)?
  func link(_ link: SimulatedLink, said control: Control)
  func link(_ link: SimulatedLink, goesAway goAway: GoAway)
  func linkIsSuspect(_ link: SimulatedLink)
  func linkAnswered(_ link: SimulatedLink)
  func link(_ link: SimulatedLink, ended end: SimulatedLinkEnd)
}

/// What a stream is joined with, as `SessionLink/PipeEnd`.
protocol SimulatedStreamEnd: AnyObject {
  func streamData(_ bytes: ByteBuffer, end: Bool)
  func streamReset(_ farewell: Farewell)
  func streamLost()
}

/// Drives a real `Session` and `KeepAlive` on a wire, as `SessionLink/Link` does on a socket.
final class SimulatedLink: WireEnd {
  let number: Int
  let wire: Wire
  private let side: Wire.Side
  private let clock: any Clock
  private unowned let world: World
  private weak var owner: (any SimulatedLinkOwner)?
  private var session: Session
  private var ends: [(any SimulatedStreamEnd)?] = []
  private var keepAlive: KeepAlive
  private var alarm = 0
  private var pings: UInt64 = 0
  private var isQueued = false
  private var isShut = false
  private(set) var isOver = false

  init(
    _ side: Wire.Side, _ wire: Wire, number: Int, hello: Hello, owner: any SimulatedLinkOwner,
    clock: any Clock, _ world: World
  ) {
    self.side = side
    self.wire = wire
    self.number = number
    self.owner = owner
    self.clock = clock
    self.world = world
    var limits = Session.Limits()
    if side == .relay { limits.peerStreams = 32 }
    session = Session(role: side == .relay ? .relay : .agent, hello: hello, limits: limits)
    keepAlive = KeepAlive(at: clock.now)
  }

  var openStreams: Int { session.openStreams }

  func begin() {
    if side == .relay { wire.relayEnd = self } else { wire.agentEnd = self }
    queueFlush()
    watch()
  }

  // MARK: - What the owner and the stream ends call

  func open(_ open: Open, _ end: any SimulatedStreamEnd) -> Slot? {
    guard !isOver, let slot = session.open(open) else { return nil }
    keep(end, slot)
    if keepAlive.opens(at: clock.now) { ask() }
    queueFlush()
    return slot
  }

  func probe() {
    if !isOver, keepAlive.probe(at: clock.now) { ask() }
  }

  func send(_ control: Control) {
    session.send(control)
    queueFlush()
  }

  func goAway(_ code: GoAway.Code) {
    session.goAway(code, "")
    queueFlush()
  }

  func send(_ slot: Slot, _ bytes: ByteBuffer, end: Bool) {
    _ = session.send(slot, bytes, end: end)
    queueFlush()
  }

  /// Takes no more, sends no more.
  func refuse(_ slot: Slot, _ farewell: Farewell) {
    session.stop(slot, farewell)
    session.reset(slot, farewell)
    queueFlush()
  }

  /// An answer to what was asked is late.
  var isSuspect: Bool { keepAlive.isSuspect }

  /// Writes out what waits, then closes. Whoever does not hear us would hear an orderly end no
  /// sooner: there the connection is reset.
  func close(_ reason: SimulatedLinkEnd = .closed) {
    guard !isOver else { return }
    if reason == .silent {
      wire.send(.broken, to: side == .agent ? .relay : .agent)
    } else {
      writeOut()
    }
    finish(reason)
  }

  /// Its process is gone: the kernel closes the connection.
  func vanish() {
    isOver = true
    ends = []
    wire.close(from: side)
  }

  // MARK: - The connection

  func arrives(_ item: Wire.Item, on wire: Wire) {
    guard !isOver else { return }
    switch item {
    case .bytes(let bytes):
      if isShut || owner?.mayRead() == false {
        isShut = true
        return
      }
      guard !isOver else { return }
      let now = clock.now
      if keepAlive.isAsked { owner?.linkAnswered(self) }
      keepAlive.heard(at: now)
      session.receive(bytes, at: now.nanoseconds)
      drain()
    case .closed: finish(.closed)
    case .broken: finish(.broken)
    case .connect, .accepted: break
    }
  }

  private func finish(_ reason: SimulatedLinkEnd) {
    guard !isOver else { return }
    isOver = true
    wire.close(from: side)
    owner?.link(self, ended: reason)
    let open = ends
    ends = []
    for end in open { end?.streamLost() }
  }

  private func queueFlush() {
    if isQueued || isOver { return }
    isQueued = true
    world.flushLater(self)
  }

  func flushNow() {
    isQueued = false
    if isOver { return }
    writeOut()
    drain()
  }

  private func writeOut() {
    while let bytes = session.nextOutput() {
      wire.send(.bytes(bytes), to: side == .agent ? .relay : .agent)
    }
  }

  private func drain() {
    do {
      while !isOver, let event = try session.next() { dispatch(event) }
      if session.hasMoreOutput() { queueFlush() }
    } catch {
      world.fail("\(side) side of wire \(wire.number): \(error)")
      close(.broken)
    }
  }

  private func dispatch(_ event: Session.Event) {
    switch event {
    case .data(let slot, let bytes, let end):
      ends[slot.index]?.streamData(bytes, end: end)
      session.credit(slot, bytes.readableBytes)
    case .reset(let slot, let farewell): ends[slot.index]?.streamReset(farewell)
    case .closed(let slot): ends[slot.index] = nil
    case .opened(let slot, let open): welcome(slot, open)
    case .hello(let hello): owner?.link(self, said: hello)
    case .control(let control): owner?.link(self, said: control)
    case .goAway(let goAway): owner?.link(self, goesAway: goAway)
    case .stopped, .resumed, .commit, .pong: break
    }
  }

  private func welcome(_ slot: Slot, _ open: Open) {
    keep(owner?.link(self, opened: open, slot: slot), slot)
    if ends[slot.index] == nil { refuse(slot, Farewell(.unsupported, blame: .agent)) }
  }

  private func keep(_ end: (any SimulatedStreamEnd)?, _ slot: Slot) {
    while ends.count <= slot.index { ends.append(nil) }
    ends[slot.index] = end
  }

  // MARK: - Heartbeat

  private func watch() {
    if side == .relay, world.settings.has(.deafRelay) { return }
    let now = clock.now
    switch keepAlive.due(at: now) {
    case .fine(let next): beat(at: next)
    case .suspect(let next):
      owner?.linkIsSuspect(self)
      beat(at: next)
    case .ping: ask()
    case .dead: close(.silent)
    }
  }

  private func ask() {
    pings &+= 1
    session.ping(pings)
    queueFlush()
    watch()
  }

  private func beat(at moment: Moment) {
    guard !isOver else { return }
    alarm += 1
    let number = alarm
    clock.at(moment) { [weak self] in
      guard let self, alarm == number, !isOver else { return }
      watch()
    }
  }
}

extension ID {
  init(_ wire: WireID) { self.init(high: wire.high, low: wire.low) }
  var wire: WireID { WireID(high: high, low: low) }
}
