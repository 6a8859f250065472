import TunnelCore

/// The database of all relay processes: one writer, one write after the other, each of which takes
/// a while, or fails, and nothing else outlives a process. It keeps the rules of
/// `RelayStore/Epochs`.
final class SimulatedStore {
  struct Owner {
    let install: ID
    let instance: ID
  }

  struct Row {
    var epoch = Epoch.never
    var owner: Owner?
  }

  private final class Write {
    let process: UInt64
    let carryOut: () -> Void
    var done: (Bool) -> Void
    var isOver = false

    init(_ process: UInt64, _ carryOut: @escaping () -> Void, _ done: @escaping (Bool) -> Void) {
      self.process = process
      self.carryOut = carryOut
      self.done = done
    }
  }

  private unowned let world: World
  private var rows: [Row]
  /// Who was written down as the owner of an epoch, by name.
  private(set) var history: [[Epoch: ID]]
  private var writes: [Write] = []
  private var isBusy = false
  private var slowUntil = Moment(nanoseconds: 0)
  private var failsUntil = Moment(nanoseconds: 0)

  init(_ world: World, names: Int) {
    self.world = world
    rows = Array(repeating: Row(), count: names)
    history = Array(repeating: [:], count: names)
  }

  func row(_ name: Int) -> Row { rows[name] }

  /// What a claim asks the database.
  func read(_ name: Int, _ done: @escaping (Row) -> Void) {
    world.after(world.dice.milliseconds(0, 5)) { done(self.rows[name]) }
  }

  /// Writes a new owner down.
  func raise(
    _ name: Int, to epoch: Epoch, _ owner: Owner, by process: UInt64,
    _ done: @escaping (EndpointLife.Outcome) -> Void
  ) {
    var stale: Epoch?
    let carryOut = { [unowned self] in
      let known = rows[name].epoch
      if known >= epoch {
        stale = known
        if !world.settings.has(.unfencedStore) { return }
      }
      rows[name] = Row(epoch: epoch, owner: owner)
      history[name][epoch] = owner.instance
    }
    add(
      Write(process, carryOut) { [unowned self] isDone in
        if !isDone { return done(.failed) }
        if let stale, !world.settings.has(.unfencedStore) { return done(.stale(stale)) }
        done(.done)
      })
  }

  /// The owner of this epoch left; a later one's place is not touched.
  func left(_ name: Int, _ epoch: Epoch, by process: UInt64) {
    let carryOut = { [unowned self] in
      if rows[name].epoch == epoch { rows[name].owner = nil }
    }
    add(Write(process, carryOut) { _ in })
  }

  /// Of what was under way a part is done, and nobody hears of it.
  func dies(_ process: UInt64) {
    let left = writes.filter { $0.process == process && !$0.isOver }
    let done = world.dice.roll(left.count + 1)
    for (place, write) in left.enumerated() {
      if place < done { write.carryOut() }
      write.isOver = true
      write.done = { _ in }
    }
  }

  /// Nobody is kept.
  func end() { writes = [] }

  func isSlow(for span: Duration) { slowUntil = max(slowUntil, world.now + span) }

  func fails(for span: Duration) { failsUntil = max(failsUntil, world.now + span) }

  private func add(_ write: Write) {
    writes.append(write)
    if !isBusy { next() }
  }

  private func next() {
    guard let write = writes.first else { return }
    isBusy = true
    let isSlow = world.now < slowUntil
    world.after(world.dice.milliseconds(isSlow ? 200 : 0, isSlow ? 4_000 : 20)) {
      self.writes.removeFirst()
      self.isBusy = false
      if !write.isOver { self.finish(write) }
      if !self.isBusy { self.next() }
    }
  }

  private func finish(_ write: Write) {
    write.isOver = true
    let fails = world.now < failsUntil && world.dice.chance(80)
    if !fails { write.carryOut() }
    write.done(!fails)
  }
}
