import Multiplexer
import NIOCore

/// A two-way byte pipe to the far side, as the one who joined it sees it: a stream of a session,
/// or a socket of this machine. All calls on the pipe's event loop.
package protocol Pipe {
  /// False: no more until `pipeResumed`.
  func send(_ bytes: ByteBuffer, end: Bool) -> Bool
  /// `count` bytes that `pipeData` brought have left the other socket.
  func credit(_ count: Int)
  /// "Send me no more."
  func stop(_ farewell: Farewell)
  /// "I send no more, and what I sent is not whole."
  func reset(_ farewell: Farewell)
  /// The same, but what was sent so far still arrives.
  func breakOff(_ farewell: Farewell)
  /// The exchange is over, both ways and whole.
  func done()
}

/// What a pipe tells the one who joined it. Nothing is called after the pipe is over.
package protocol PipeEnd: AnyObject {
  func pipeData(_ bytes: ByteBuffer, end: Bool)
  func pipeResumed()
  /// The far side takes no more; this half is reset already.
  func pipeStopped(_ farewell: Farewell)
  func pipeReset(_ farewell: Farewell)
  /// The far side is gone with everything that carried it.
  func pipeLost()
}

/// A stream of a link, as a pipe.
package struct StreamPort: Pipe {
  /// A head may be longer than a stream's first window (limits.md), and its rest only comes once
  /// there is credit again: from this many bytes on, half of that window, it is given early.
  package static let longHead = 32 << 10

  let link: Link
  let slot: Slot

  package func send(_ bytes: ByteBuffer, end: Bool) -> Bool { link.send(slot, bytes, end) }
  package func credit(_ count: Int) { link.credit(slot, count) }
  package func stop(_ farewell: Farewell) { link.stop(slot, farewell) }
  package func reset(_ farewell: Farewell) { link.reset(slot, farewell) }
  package func breakOff(_ farewell: Farewell) { link.breakOff(slot, farewell) }
  /// A stream ends by its own two ends.
  package func done() {}
}
