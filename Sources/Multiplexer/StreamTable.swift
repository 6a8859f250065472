/// Which stream stands in which place: open addressing with linear steps. Ids of a side go up one
/// after the other; multiplied by the golden ratio they stand apart (Knuth, The Art of Computer
/// Programming, 6.4). As their own hash they stood in one long row, and taking one out went
/// through all that live.
struct StreamTable {
  /// A stream's id is never 0, which marks an empty cell.
  private var ids: [UInt64] = Array(repeating: 0, count: 16)
  private var places: [Int] = Array(repeating: 0, count: 16)
  private var count = 0
  /// Bits of a hash that are not used.
  private var unused = 60

  var isEmpty: Bool { count == 0 }
  private var mask: Int { ids.count &- 1 }

  private func home(_ id: UInt64) -> Int {
    // bounded: a hash wraps
    Int(truncatingIfNeeded: ((id >> 1) &* 0x9e37_79b9_7f4a_7c15) >> unused)
  }

  subscript(id: UInt64) -> Int? {
    var cell = home(id)
    while ids[cell] != 0 {
      if ids[cell] == id { return places[cell] }
      cell = (cell &+ 1) & mask
    }
    return nil
  }

  /// `id` must not be in it yet.
  mutating func add(_ id: UInt64, _ place: Int) {
    if count &* 2 >= ids.count { grow() }
    var cell = home(id)
    while ids[cell] != 0 { cell = (cell &+ 1) & mask }
    ids[cell] = id
    places[cell] = place
    count &+= 1
  }

  mutating func remove(_ id: UInt64) {
    var cell = home(id)
    while ids[cell] != id {
      if ids[cell] == 0 { return }
      cell = (cell &+ 1) & mask
    }
    count &-= 1
    // Whoever stands behind it by chance moves up, so that no search ends too early.
    var next = cell
    while true {
      next = (next &+ 1) & mask
      if ids[next] == 0 { break }
      let stepsHere = (next &- home(ids[next])) & mask
      if stepsHere < (next &- cell) & mask { continue }
      ids[cell] = ids[next]
      places[cell] = places[next]
      cell = next
    }
    ids[cell] = 0
  }

  private mutating func grow() {
    let (oldIDs, oldPlaces) = (ids, places)
    ids = Array(repeating: 0, count: oldIDs.count &* 2)
    places = Array(repeating: 0, count: oldIDs.count &* 2)
    count = 0
    unused &-= 1  // bounded: memory ends long before 2^60 cells
    for cell in oldIDs.indices where oldIDs[cell] != 0 { add(oldIDs[cell], oldPlaces[cell]) }
  }
}
