import struct NIOCore.ByteBuffer

/// A stream's place in a session, for as long as the stream lives; a stale one is harmless.
package struct Slot: Hashable, Sendable {
  package let index: Int
  let generation: UInt32
}

/// One two-way byte pipe: both halves, their credit and what waits to be sent.
struct Stream {
  let id: UInt64
  let generation: UInt32
  var isOpen = true
  /// Refused by this machine itself: no event ever told of it.
  var isUnseen = false
  let isHeld: Bool
  var saidCommit = false
  var heardCommit = false

  // The half that this side sends.
  var pending = ByteBuffer()
  var endIsPending = false
  /// RESET goes out once nothing waits any more.
  var breaksOff: Farewell?
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

  init(_ id: UInt64, generation: UInt32, held: Bool, _ rules: CreditRules) {
    self.id = id
    self.generation = generation
    isHeld = held
    credit = SendCredit(rules)
    window = ReceiveCredit(rules)
  }

  var hasSomethingToSend: Bool {
    !sendEnded && (pending.readableBytes > 0 || endIsPending || breaksOff != nil)
  }

  /// Both halves are over and neither side's sum has any of its bytes in the pool. Whoever opened
  /// the stream sees this no sooner than the other side, so a new stream in the place of an old
  /// one never meets a limit that the old one still fills.
  var isOver: Bool {
    sendEnded && credit.pooled == 0 && receiveEnded && window.pooled == 0
  }
}
