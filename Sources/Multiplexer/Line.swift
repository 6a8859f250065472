/// A queue of streams by their index; each stands in it once at most. Joining and leaving cost the
/// same however long it is. A stream that ended may still stand in it: whoever takes it out looks.
struct Line {
  private static let end = -1
  private static let out = -2

  /// Who stands behind each stream: `end` for the last one, `out` for one that isn't in line.
  private var behind: [Int] = []
  private var first = end
  private var last = end

  var isEmpty: Bool { first == Line.end }

  mutating func append(_ index: Int) {
    while behind.count <= index { behind.append(Line.out) }
    guard behind[index] == Line.out else { return }
    behind[index] = Line.end
    if isEmpty { first = index } else { behind[last] = index }
    last = index
  }

  mutating func popFirst() -> Int? {
    guard first != Line.end else { return nil }
    let index = first
    first = behind[index]
    behind[index] = Line.out
    return index
  }
}
