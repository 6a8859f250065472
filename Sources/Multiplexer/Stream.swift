import struct NIOCore.ByteBuffer

/// A stream's place in a session, for as long as the stream lives; a stale one is harmless.
package struct Slot: Hashable, Sendable {
  package let index: Int
  let generation: UInt32
}

/// One two-way byte pipe: both halves, their credit and what waits to be sent.
struct Stream {
  var id: UInt64 = 0
  var generation: UInt32 = 0
  var isOpen = false
  var isHeld = false
  var committed = false

  // The half that this side sends.
  var pending = ByteBuffer()
  var endIsPending = false
  /// END or RESET has gone out; nothing more goes on this half.
  var sendEnded = false
  /// `send` said no; a `resumed` is owed.
  var waits = false
  var credit: SendCredit

  // The half that this side receives.
  /// END or RESET has come in.
  var receiveEnded = false
  /// STOP has gone out; what still comes is thrown away.
  var refusesMore = false
  var window: ReceiveCredit

  /// Links of the two queues of senders; -1 is the end, -2 is "not in a queue".
  var nextInLine = Line.out

  init(_ rules: CreditRules) {
    credit = SendCredit(rules)
    window = ReceiveCredit(rules)
  }

  var hasSomethingToSend: Bool {
    !sendEnded && (pending.readableBytes > 0 || endIsPending)
  }

  /// Both halves are over and neither side's sum has any of its bytes in the pool.
  var isOver: Bool {
    sendEnded && credit.pooled == 0 && receiveEnded && window.held == 0
  }
}

/// A queue of streams, linked through `Stream.nextInLine`, so that waiting costs no memory.
struct Line {
  static let end = -1
  static let out = -2

  private(set) var first = end
  private var last = end

  var isEmpty: Bool { first == Line.end }
  /// Whether more than one stream stands in it.
  var isShared: Bool { first != last }

  mutating func append(_ index: Int, _ streams: inout [Stream]) {
    guard streams[index].nextInLine == Line.out else { return }
    streams[index].nextInLine = Line.end
    if isEmpty { first = index } else { streams[last].nextInLine = index }
    last = index
  }

  mutating func popFirst(_ streams: inout [Stream]) -> Int? {
    guard first != Line.end else { return nil }
    let index = first
    first = streams[index].nextInLine
    if first == Line.end { last = Line.end }
    streams[index].nextInLine = Line.out
    return index
  }

  /// Puts all of `other` behind this one.
  mutating func take(_ other: inout Line, _ streams: inout [Stream]) {
    guard !other.isEmpty else { return }
    if isEmpty { first = other.first } else { streams[last].nextInLine = other.first }
    last = other.last
    other = Line()
  }
}
