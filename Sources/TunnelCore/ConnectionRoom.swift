/// How many connections there are from each place and in all, and whether one more may come in
/// (limits.md, "Public side"). Holds one number for each place that has a connection now.
package struct ConnectionRoom: Sendable {
  package enum Refusal: Equatable, Sendable {
    case full
    case tooManyOfOne
  }

  package var limit: Int
  package var perPlace: Int
  private var all = 0
  private var of: [UInt128: Int] = [:]

  package init(limit: Int, perPlace: Int) {
    self.limit = limit
    self.perPlace = perPlace
  }

  /// Descriptors that are kept for what is no public connection: the database, the relay's own API.
  /// Of a small number half is kept.
  package static let keptDescriptors = 1_000

  /// What may be in at once, with so many descriptors.
  package static func limit(wanted: Int, descriptors: Int) -> Int {
    min(wanted, max(descriptors - keptDescriptors, descriptors / 2))
  }

  /// Lets one in, or says why not. `place` is nil for who is not counted apart.
  package mutating func enter(_ place: UInt128?) -> Refusal? {
    if all >= limit { return .full }
    if let place {
      let count = of[place, default: 0]
      if count >= perPlace { return .tooManyOfOne }
      of[place] = count + 1
    }
    all += 1
    return nil
  }

  /// One that was let in is gone.
  package mutating func leave(_ place: UInt128?) {
    all -= 1
    guard let place, let count = of[place] else { return }
    of[place] = count > 1 ? count - 1 : nil
  }

  var places: Int { of.count }
}
