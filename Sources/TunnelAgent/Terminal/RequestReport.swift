import SessionLink
import TunnelCore

/// What the agent tells of one exchange. Words are bytes as they were on the wire.
package struct RequestReport: Sendable {
  package let id: ID
  /// When the request came, milliseconds since 1970, by the relay.
  package let receivedAt: UInt64
  /// Method, path and reason, one behind the other.
  private var words: [UInt8] = []
  private var methodEnd = 0
  private var pathEnd = 0
  package var status = 0
  /// The refusal's code, if the app did not answer.
  package var code: String?
  /// From the request's head to the head of the answer.
  package var milliseconds: UInt64 = 0

  package init(id: ID, receivedAt: UInt64) {
    self.id = id
    self.receivedAt = receivedAt
  }

  package var method: ArraySlice<UInt8> { words[..<methodEnd] }
  /// The request target without its query, which may hold secrets.
  package var path: ArraySlice<UInt8> { words[methodEnd..<pathEnd] }
  /// The app's own reason phrase; may be empty.
  package var reason: ArraySlice<UInt8> { words[pathEnd...] }

  /// What was asked: `head` begins with the request head that the ranges are offsets in.
  package mutating func asked(
    _ head: UnsafeRawBufferPointer, method: Range<Int>, target: Range<Int>
  ) {
    let query = head[target].firstIndex(of: UInt8(ascii: "?"))
    words.reserveCapacity(method.count + target.count + 32)
    words.append(contentsOf: UnsafeRawBufferPointer(rebasing: head[method]))
    methodEnd = words.count
    words.append(
      contentsOf: UnsafeRawBufferPointer(
        rebasing: head[target.lowerBound..<(query ?? target.upperBound)]))
    pathEnd = words.count
  }

  package mutating func answered(_ status: Int, _ reason: UnsafeRawBufferPointer) {
    self.status = status
    words.append(contentsOf: reason)
  }
}
