import TunnelCore

import struct NIOCore.ByteBuffer

/// Who hears from a wire.
protocol WireEnd: AnyObject {
  func arrives(_ item: Wire.Item, on wire: Wire)
}

/// One TCP connection from an agent's machine to the relay: bytes each way, in order, after a
/// while, in pieces. Each way may be slow or stall for itself; what was stalled arrives later. A
/// cut is for ever: then an end hears that it is broken, or hears nothing any more.
final class Wire {
  enum Side: Int { case agent, relay }

  enum Item {
    case connect
    case accepted
    case bytes(ByteBuffer)
    /// The other end has closed it.
    case closed
    case broken
  }

  private struct Way {
    var items: [Item] = []
    var delay: Duration
    var jitter: Int
    var stalledUntil: Moment
    var lastArrival = Moment(nanoseconds: 0)
    /// The sending end has closed.
    var isClosed = false
  }

  let number: UInt64
  let machine: Machine
  private unowned let world: World
  /// By the side that hears.
  private var ways: [Way]
  private(set) var isCut = false
  weak var agentEnd: (any WireEnd)?
  weak var relayEnd: (any WireEnd)?

  init(_ machine: Machine, _ world: World) {
    number = world.nextNumber()
    self.machine = machine
    self.world = world
    let delay = world.dice.milliseconds(0, 60)
    let way = Way(
      delay: delay, jitter: world.dice.between(0, 20), stalledUntil: machine.offlineUntil)
    ways = [way, way]
  }

  /// Neither end has closed it, and nobody has heard that it is broken.
  var isOpen: Bool { !isCut && !ways[0].isClosed && !ways[1].isClosed }

  func send(_ item: Item, to side: Side) {
    guard !isCut, !ways[side.rawValue].isClosed else { return }
    put(item, side)
  }

  /// This end closes: what was sent before still arrives.
  func close(from side: Side) {
    let other: Side = side == .agent ? .relay : .agent
    guard !isCut, !ways[other.rawValue].isClosed else { return }
    put(.closed, other)
    ways[other.rawValue].isClosed = true
  }

  private func put(_ item: Item, _ side: Side) {
    let way = ways[side.rawValue]
    let fresh = world.now + way.delay + world.dice.milliseconds(0, way.jitter)
    let arrival = max(fresh, way.lastArrival)
    ways[side.rawValue].lastArrival = arrival
    ways[side.rawValue].items.append(item)
    world.at(arrival) { self.deliver(side) }
  }

  /// Whatever is first by now.
  private func deliver(_ side: Side) {
    let way = ways[side.rawValue]
    guard let first = way.items.first else { return }
    if world.now < way.stalledUntil {
      return world.at(way.stalledUntil) { self.deliver(side) }
    }
    ways[side.rawValue].items.removeFirst()
    guard case .bytes(var bytes) = first, bytes.readableBytes > 1, world.dice.chance(10),
      let head = bytes.readSlice(length: world.dice.between(1, bytes.readableBytes - 1))
    else { return hand(first, side) }
    ways[side.rawValue].items.insert(.bytes(bytes), at: 0)
    world.after(.microseconds(100)) { self.deliver(side) }
    hand(.bytes(head), side)
  }

  private func hand(_ item: Item, _ side: Side) {
    switch side {
    case .relay: relayEnd?.arrives(item, on: self)
    case .agent: machine.whenAwake { self.agentEnd?.arrives(item, on: self) }
    }
  }

  // MARK: - What goes wrong

  func stall(_ side: Side, until: Moment) {
    ways[side.rawValue].stalledUntil = max(ways[side.rawValue].stalledUntil, until)
  }

  /// What is on its way may still be heard of late.
  var isStalled: Bool { ways.contains { world.now < $0.stalledUntil || $0.delay > .seconds(1) } }

  func slow(_ side: Side, _ delay: Duration) { ways[side.rawValue].delay = delay }

  /// For ever, in the middle of whatever is on its way.
  func cut(heardBy hearing: [Side]) {
    guard !isCut else { return }
    isCut = true
    for side in [Side.agent, .relay] {
      let items = ways[side.rawValue].items
      ways[side.rawValue].items = Array(items.prefix(world.dice.roll(items.count + 1)))
      halve(side)
      if hearing.contains(side) { put(.broken, side) }
    }
  }

  /// Of the last piece only a part comes through.
  private func halve(_ side: Side) {
    guard case .bytes(let bytes)? = ways[side.rawValue].items.last,
      let part = bytes.getSlice(
        at: bytes.readerIndex, length: world.dice.roll(bytes.readableBytes))
    else { return }
    ways[side.rawValue].items.removeLast()
    if part.readableBytes > 0 { ways[side.rawValue].items.append(.bytes(part)) }
  }
}
