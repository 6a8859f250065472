import NIOCore
import NIOEmbedded
import Testing

@testable import SessionLink

@Suite("once a turn")
struct TickFlusherTests {
  private final class Target: FlushTarget {
    var flushed = 0
    var atFlush: (() -> Void)?

    func flushNow() {
      flushed += 1
      atFlush?()
    }
  }

  @Test("what adds itself is flushed in the loop's next turn, once")
  func once() {
    let loop = EmbeddedEventLoop()
    let flusher = TickFlusher(loop)
    let target = Target()
    flusher.add(target)
    #expect(target.flushed == 0)
    loop.run()
    #expect(target.flushed == 1)
    loop.run()
    #expect(target.flushed == 1)
    flusher.add(target)
    loop.run()
    #expect(target.flushed == 2)
  }

  @Test("what adds itself meanwhile is served in the same turn")
  func meanwhile() {
    let loop = EmbeddedEventLoop()
    let flusher = TickFlusher(loop)
    let (first, second, other) = (Target(), Target(), Target())
    first.atFlush = { flusher.add(second) }
    second.atFlush = { if second.flushed == 1 { flusher.add(first) } }
    flusher.add(first)
    flusher.add(other)
    loop.run()
    #expect([first.flushed, other.flushed, second.flushed] == [2, 1, 2])
  }
}

@Suite("a deadline that moves")
struct LazyDeadlineTests {
  @Test("it is met once, unless it was cleared, cancelled or let go")
  func met() async throws {
    let loop = EmbeddedEventLoop()
    var met = 0
    let deadline = LazyDeadline { met += 1 }
    deadline.set(.hours(-1), on: loop)
    loop.advanceTime(to: .now())
    #expect(met == 1)
    loop.advanceTime(to: .now() + .hours(1))
    #expect(met == 1)
    deadline.set(.hours(-1), on: loop)
    deadline.clear()
    loop.advanceTime(to: .now() + .hours(2))
    #expect(met == 1)
    deadline.set(.hours(-1), on: loop)
    deadline.cancel()
    loop.advanceTime(to: .now() + .hours(3))
    #expect(met == 1)
  }

  @Test("moved later it waits longer, moved nearer it comes sooner")
  func moves() {
    let loop = EmbeddedEventLoop()
    var met = 0
    let deadline = LazyDeadline { met += 1 }
    deadline.set(.hours(1), on: loop)
    deadline.set(.hours(5), on: loop)
    // The timer looks at the real clock, at which nothing is due yet.
    loop.advanceTime(to: .now() + .hours(2))
    #expect(met == 0)
    deadline.set(.hours(-1), on: loop)
    loop.advanceTime(to: .now() + .hours(3))
    #expect(met == 1)
  }
}
