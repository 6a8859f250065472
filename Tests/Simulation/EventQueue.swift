import TunnelCore

/// What is to happen, the earliest first; of two at the same moment the one that was put in first.
/// A binary heap.
struct EventQueue {
  struct Event {
    let at: UInt64
    fileprivate let number: UInt64
    let act: () -> Void

    fileprivate func isBefore(_ other: Event) -> Bool {
      at == other.at ? number < other.number : at < other.at
    }
  }

  private var heap: [Event] = []
  private var lastNumber: UInt64 = 0

  mutating func add(at moment: Moment, _ act: @escaping () -> Void) {
    lastNumber += 1
    let event = Event(at: moment.nanoseconds, number: lastNumber, act: act)
    var place = heap.count
    heap.append(event)
    while place > 0 {
      let parent = (place - 1) / 2
      guard event.isBefore(heap[parent]) else { break }
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = event
  }

  /// The next one, if it is due by then.
  mutating func next(by end: Moment) -> Event? {
    guard let first = heap.first, first.at <= end.nanoseconds else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty { sink(last) }
    return first
  }

  mutating func removeAll() { heap = [] }

  /// Puts the event where the first one was, and down to its place.
  private mutating func sink(_ event: Event) {
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
      guard heap[child].isBefore(event) else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = event
  }
}
