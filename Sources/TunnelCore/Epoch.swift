/// Counts the owners of one endpoint. It grows with every change of owner and never falls; both
/// sides refuse what carries an older one. 0 stands for an endpoint that was never served.
package struct Epoch: Hashable, Comparable, Sendable {
  package let number: UInt64

  package init(_ number: UInt64) {
    self.number = number
  }

  package static let never = Epoch(0)

  /// The epoch of the next owner. At the very end it stays where it is: an epoch comes off the
  /// wire too, and a peer's number must not be able to end the process.
  package func next() -> Epoch {
    Epoch(number == .max ? .max : number + 1)
  }

  package static func < (left: Epoch, right: Epoch) -> Bool { left.number < right.number }
}
