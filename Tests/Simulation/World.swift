import TunnelCore

/// A clock whose alarms ring in virtual time.
protocol Clock: AnyObject {
  var now: Moment { get }
  func at(_ moment: Moment, _ act: @escaping () -> Void)
}

extension Clock {
  func after(_ span: Duration, _ act: @escaping () -> Void) { at(now + span, act) }
}

/// One run: the time, what is to happen, and the chance that decides. Everything in it happens one
/// after the other. The first broken promise ends it.
final class World: Clock {
  private(set) var now = Moment(nanoseconds: 0)
  let dice: Dice
  let settings: SimulationSettings
  private(set) var trace = Trace()
  private(set) var violation: String?
  private(set) var steps = 0
  private var queue = EventQueue()
  private var unflushed: [SimulatedLink] = []
  private var lastNumber: UInt64 = 0

  init(seed: UInt64, _ settings: SimulationSettings) {
    dice = Dice(seed: seed)
    self.settings = settings
  }

  func at(_ moment: Moment, _ act: @escaping () -> Void) { queue.add(at: max(now, moment), act) }

  func run(until end: Moment) {
    while violation == nil, let event = queue.next(by: end) {
      now = Moment(nanoseconds: event.at)
      steps += 1
      event.act()
      flush()
    }
    now = max(now, end)
  }

  /// Nothing happens any more, and nobody is kept.
  func end() {
    queue.removeAll()
    unflushed = []
  }

  /// A link has something to say; it says it at the end of the turn, as the real ones do.
  func flushLater(_ link: SimulatedLink) { unflushed.append(link) }

  func flush() {
    while !unflushed.isEmpty {
      let links = unflushed
      unflushed = []
      for link in links { link.flushNow() }
    }
  }

  /// Numbers for whatever wants one.
  func nextNumber() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }

  func note(_ what: Note.What, _ first: UInt64, _ second: UInt64 = 0, _ third: UInt64 = 0) {
    trace.add(Note(at: now, what: what, numbers: (first, second, third)))
  }

  /// A promise is broken.
  func fail(_ words: @autoclosure () -> String) {
    if violation == nil { violation = words() }
  }
}
