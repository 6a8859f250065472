import TunnelCore

/// A computer with clocks of its own: its monotonic one starts anywhere and stands still while the
/// machine is suspended; the one since boot does not. While it sleeps, or its processes are
/// stopped, nothing happens on it: alarms and what came off the network wait.
final class Machine: Clock {
  let number: UInt64
  /// What an install is known by.
  let install: ID
  private unowned let world: World
  private let start: Duration
  private var stoodStill = Duration.zero
  private(set) var isAsleep = false
  /// How often it fell asleep.
  private(set) var sleeps = 0
  /// When it woke from a sleep that was long enough to be noticed.
  private(set) var wokeAt = Moment(nanoseconds: 0)
  private var waiting: [(due: Moment?, act: () -> Void)] = []
  /// Its network passes nothing until then.
  private(set) var offlineUntil = Moment(nanoseconds: 0)

  init(_ number: UInt64, _ world: World) {
    self.number = number
    self.world = world
    install = ID(high: 0x1257, low: number)
    start = world.dice.milliseconds(0, 1_000_000)
  }

  /// The monotonic clock.
  var now: Moment { world.now + start - stoodStill }
  /// The clock that runs on in sleep.
  var boot: Moment { world.now + start }
  /// The wall's, in milliseconds, which jumps up and down all the time: nothing may depend on it.
  var wall: UInt64 {
    let minute = world.now.nanoseconds / 20_000_000_000
    let jump = (minute &+ number) &* 0x9E37_79B9_7F4A_7C15 >> 30
    return world.settings.wallClockJumps ? jump : world.now.nanoseconds / 1_000_000
  }

  func at(_ moment: Moment, _ act: @escaping () -> Void) {
    world.after(max(.zero, moment - now)) { self.due(moment, act) }
  }

  private func due(_ moment: Moment, _ act: @escaping () -> Void) {
    if isAsleep { return waiting.append((moment, act)) }
    if now < moment { return at(moment, act) }
    act()
  }

  /// Now, or as soon as it is awake.
  func whenAwake(_ act: @escaping () -> Void) {
    if isAsleep { waiting.append((nil, act)) } else { act() }
  }

  /// `suspends`: its monotonic clock stands still too. `looks`: what its processes do once they
  /// run again, each somewhere among all that has waited.
  func fallsAsleep(for span: Duration, suspends: Bool, looks: @escaping () -> [() -> Void]) {
    isAsleep = true
    sleeps += 1
    world.after(span) {
      if suspends { self.stoodStill += span }
      if span > SleepDetector.pause { self.wokeAt = self.world.now }
      self.wake(looks())
    }
  }

  private func wake(_ looks: [() -> Void]) {
    world.note(.machineWakes, number)
    isAsleep = false
    var acts = waiting
    waiting = []
    for look in looks { acts.insert((nil, look), at: world.dice.roll(acts.count + 1)) }
    for (moment, act) in acts {
      if let moment { due(moment, act) } else { act() }
      world.flush()
    }
  }

  func goesOffline(for span: Duration) { offlineUntil = max(offlineUntil, world.now + span) }
}

extension Moment {
  static func - (moment: Moment, span: Duration) -> Moment { moment + (.zero - span) }
}
