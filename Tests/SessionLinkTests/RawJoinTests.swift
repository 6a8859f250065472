import Multiplexer
import NIOCore
import Synchronization
import Testing

@testable import SessionLink

/// Raw bytes between a socket and a pipe, on real connections; the pipe is played by a test.
@Suite("raw join")
struct RawJoinTests {
  private struct Joined {
    let probe: JoinedProbe
    let pipe: PlayedPipe
    let ends = Mailbox<RawJoin.End>()
    let join: NIOLoopBound<Box>

    /// The socket joins at once unless it is late.
    init(room: Bool = true, isLate: Bool = false) async throws {
      probe = try await JoinedProbe.start()
      pipe = PlayedPipe(hasRoom: room)
      let (pipe, ends) = (pipe, ends)
      join = try await probe.run { socket, _ in
        let join = RawJoin(blame: .client) { join in join.end.map(ends.put) }
        join.join(pipe)
        if !isLate { join.join(socket) }
        guard let loop = socket.channel?.eventLoop else { throw CancellationError() }
        return NIOLoopBound(Box(join: join), eventLoop: loop)
      }
    }

    func run(_ body: @escaping @Sendable (RawJoin, JoinedSocket) -> Void) async throws {
      let join = join
      try await probe.run { socket, _ in body(join.value.join, socket) }
    }
  }

  private final class Box {
    let join: RawJoin
    init(join: RawJoin) { self.join = join }
  }

  @Test("bytes and ends pass both ways, and then it is whole")
  func whole() async throws {
    let joined = try await Joined()
    try await joined.probe.peer.send("question")
    #expect(try await joined.pipe.words.next() == .data("question", end: false))
    try await joined.probe.peer.endOutput()
    #expect(try await joined.pipe.words.next() == .data("", end: true))
    try await joined.run { join, _ in join.pipeData(ByteBuffer(string: "answer"), end: false) }
    #expect(try await joined.probe.peer.inbox.count(6) == "answer")
    #expect(try await joined.pipe.words.next() == .credit(6))
    try await joined.run { join, _ in join.pipeData(ByteBuffer(), end: true) }
    #expect(try await joined.probe.peer.inbox.rest() == ("", .end))
    #expect(try await joined.ends.next() == .whole)
    try await joined.run { join, _ in
      #expect(join.bytesRead == 8 && join.bytesWritten == 6 && join.code == nil)
    }
  }

  @Test("a pipe without room is given nothing until it has some, and the end last")
  func room() async throws {
    let joined = try await Joined(room: false)
    try await joined.probe.peer.send("one")
    #expect(try await joined.pipe.words.next() == .data("one", end: false))
    try await joined.probe.peer.send("two")
    // The socket stands still: what comes stays where it is.
    try await joined.run { join, socket in
      #expect(socket.unread.readableBytes == 0 && join.bytesRead == 3)
    }
    #expect(joined.pipe.words.waiting.isEmpty)
    try await joined.run { join, _ in join.pipeResumed() }
    #expect(try await joined.pipe.words.next() == .data("two", end: false))
  }

  @Test("what was read before the socket's end is not lost when the socket closes without room")
  func late() async throws {
    let joined = try await Joined(room: false)
    try await joined.run { join, _ in join.pipeData(ByteBuffer(), end: true) }
    #expect(try await joined.probe.peer.inbox.rest().1 == .end)
    try await joined.probe.peer.send("one")
    #expect(try await joined.pipe.words.next() == .data("one", end: false))
    // Both halves over, NIO reads what is there and closes.
    let text = String(repeating: "x", count: 30_000)
    try await joined.probe.peer.send(text)
    try await joined.probe.peer.close()
    var got = ""
    while true {
      guard case .data(let more, let end) = try await joined.pipe.words.next() else { continue }
      got += more
      if end { break }
    }
    #expect(got == text)
    #expect(try await joined.ends.next() == .whole)
  }

  @Test("what comes before the socket waits for it, and no socket is said to the far side")
  func early() async throws {
    let joined = try await Joined(isLate: true)
    try await joined.run { join, _ in join.pipeData(ByteBuffer(string: "early"), end: true) }
    try await joined.run { join, socket in join.join(socket) }
    #expect(try await joined.probe.peer.inbox.rest() == ("early", .end))
    let other = try await Joined(isLate: true)
    let farewell = Farewell(.upstreamRefused, blame: .upstream, "nothing answers")
    try await other.run { join, _ in join.refuse(farewell) }
    #expect(try await other.pipe.words.next() == .reset(farewell))
    #expect(try await other.pipe.words.next() == .stop(farewell))
    try await other.run { join, socket in
      #expect(join.code == "upstream-refused")
      join.join(socket)
    }
    #expect(try await other.probe.peer.inbox.rest().1 == .reset)
  }

  @Test("a reset of the socket is told to the far side, and the far side's to the socket")
  func resets() async throws {
    let joined = try await Joined()
    try await joined.probe.peer.reset()
    #expect(try await joined.pipe.words.next() == .reset(Farewell(.cancelled, blame: .client)))
    #expect(try await joined.pipe.words.next() == .stop(Farewell(.cancelled, blame: .client)))
    #expect(try await joined.ends.next() == .broke)
    for isLost in [false, true] {
      let other = try await Joined()
      try await other.run { join, _ in
        if isLost {
          join.pipeLost()
        } else {
          join.pipeReset(Farewell(.cancelled, blame: .upstream))
        }
      }
      #expect(try await other.probe.peer.inbox.rest().1 == .reset)
      try await other.run { join, _ in
        #expect(join.code == (isLost ? "session-lost" : "upstream-gone"))
      }
    }
  }

  @Test("who takes no more still gets out what it said to its end")
  func stops() async throws {
    let joined = try await Joined()
    try await joined.run { join, _ in
      join.pipeData(ByteBuffer(string: "all"), end: true)
      join.pipeStopped(Farewell(.cancelled, blame: .upstream))
    }
    #expect(try await joined.probe.peer.inbox.rest() == ("all", .end))
    let other = try await Joined()
    try await other.run { join, _ in
      join.pipeStopped(Farewell(.cancelled, blame: .upstream))
    }
    #expect(try await other.probe.peer.inbox.rest().1 == .reset)
  }
}

/// Notes what it is told.
private final class PlayedPipe: Pipe, Sendable {
  enum Word: Sendable, Equatable {
    case data(String, end: Bool)
    case credit(Int)
    case stop(Farewell)
    case reset(Farewell)
  }

  let words = Mailbox<Word>()
  private let hasRoom: Bool

  init(hasRoom: Bool) { self.hasRoom = hasRoom }

  func send(_ bytes: ByteBuffer, end: Bool) -> Bool {
    words.put(.data(String(buffer: bytes), end: end))
    return hasRoom
  }

  func credit(_ count: Int) { words.put(.credit(count)) }
  func stop(_ farewell: Farewell) { words.put(.stop(farewell)) }
  func reset(_ farewell: Farewell) { words.put(.reset(farewell)) }
  func breakOff(_ farewell: Farewell) {}
  func done() {}
}
