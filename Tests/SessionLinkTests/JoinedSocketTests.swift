import NIOCore
import Testing

@testable import SessionLink

/// The join of a socket and a pipe, on real connections.
@Suite("joined socket")
struct JoinedSocketTests {
  private func text(_ probe: JoinedProbe) async throws -> String {
    try await probe.run { socket, _ in
      defer { socket.unread.clear() }
      return String(buffer: socket.unread)
    }
  }

  @Test("what comes waits unread until its user takes it")
  func reads() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.peer.send("one")
    #expect(try await probe.events.next() == .read)
    try await probe.peer.send("two")
    #expect(try await probe.events.next() == .read)
    #expect(try await text(probe) == "onetwo")
  }

  @Test("the peer's proper end is told also where this side's half is over, a reset is not one")
  func bothHalves() async throws {
    for resets in [false, true] {
      let probe = try await JoinedProbe.start()
      try await probe.run { socket, _ in socket.endOutput() }
      #expect(try await probe.peer.inbox.rest().1 == .end)
      if resets { try await probe.peer.reset() } else { try await probe.peer.close() }
      if !resets { #expect(try await probe.events.next() == .ended) }
      #expect(try await probe.events.next() == .closed)
    }
  }

  @Test("a paused socket reads no further until it is resumed")
  func pauses() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.peer.send("a")
    #expect(try await probe.events.next() == .read)
    try await probe.run { socket, _ in socket.pauseReading() }
    // One read may be under way already; behind it there is none.
    probe.peer.push(String(repeating: "b", count: 16 << 20))
    probe.peer.push("!")
    #expect(try await probe.events.next() == .read)
    let held = try await probe.run { socket, _ in socket.unread.readableBytes }
    #expect(held < 8 << 20)
    try await probe.run { socket, _ in socket.resumeReading() }
    while try await probe.run({ socket, _ in socket.unread.readableBytes }) < (16 << 20) + 2 {
      _ = try await probe.events.next()
    }
    #expect(try await text(probe).hasSuffix("b!"))
  }

  @Test("small writes are credited together, in the same turn")
  func credit() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.run { socket, user in
      socket.write(ByteBuffer(string: "HEAD"))
      socket.write(ByteBuffer(string: "bo"), owing: 2, to: user)
      socket.write(ByteBuffer(string: "dy"), owing: 2, to: user)
    }
    #expect(try await probe.events.next() == .left(4))
    #expect(try await probe.peer.inbox.count(8) == "HEADbody")
    #expect(try await probe.run { socket, _ in socket.mustWait() } == false)
  }

  @Test("a peer that does not read backs the socket up; credit comes when its bytes have left")
  func backPressure() async throws {
    let probe = try await JoinedProbe.start(peerReads: false, window: 8_192)
    let piece = ByteBuffer(repeating: 0x62, count: 4 << 20)
    let backedUp = try await probe.run { socket, user in
      socket.write(piece, owing: piece.readableBytes, to: user)
      socket.flushNow()
      socket.write(ByteBuffer(string: "!"), owing: 1, to: user)
      return (socket.mustWait(), user.credited)
    }
    #expect(backedUp.0)
    #expect(backedUp.1 < 4 << 20)
    try await probe.peer.read()
    var left = 0
    while left < 4 << 20 {
      let event = try await probe.events.next()
      guard case .left(let count) = event else {
        Issue.record("\(event)")
        break
      }
      left += count
    }
    #expect(left == 4 << 20)
    #expect(try await probe.events.next() == .left(1))
    // Room is told of once, behind the last one.
    #expect(try await probe.events.next() == .read)
    #expect(try await probe.run { socket, _ in socket.mustWait() } == false)
    _ = try await probe.peer.until("!")
  }

  @Test("a connection that breaks makes no room")
  func broken() async throws {
    let probe = try await JoinedProbe.start(peerReads: false, window: 8_192)
    let waits = try await probe.run { socket, _ in
      socket.write(ByteBuffer(repeating: 0x62, count: 4 << 20))
      socket.flushNow()
      return socket.mustWait()
    }
    #expect(waits)
    try await probe.peer.reset()
    #expect(try await probe.events.next() == .closed)
  }

  @Test("a socket that is gone holds nobody, whatever was still to be written")
  func letsGo() async throws {
    let probe = try await JoinedProbe.start()
    let gone = Mailbox<Bool>()
    try await probe.run { socket, _ in
      socket.write(ByteBuffer(string: "never sent"), owing: 10, to: Holder(socket, gone))
      socket.abort()
    }
    #expect(try await gone.next())
  }

  @Test("each side ends its own half")
  func halves() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.peer.send("question")
    try await probe.peer.endOutput()
    #expect(try await probe.events.next(where: { $0 != .read }) == .ended)
    #expect(try await text(probe) == "question")
    try await probe.run { socket, _ in
      #expect(socket.hasEnded && socket.isOpen)
      socket.write(ByteBuffer(string: "answer"))
      socket.endOutput()
    }
    #expect(try await probe.peer.inbox.rest() == ("answer", .end))
    #expect(try await probe.events.next(where: { $0 != .read }) == .closed)
    #expect(try await probe.run { socket, _ in socket.isOpen } == false)
  }

  @Test("closing lets everything that was written leave first", arguments: [true, false])
  func closes(afterEnd: Bool) async throws {
    let probe = try await JoinedProbe.start(peerReads: false, window: 8_192)
    try await probe.run { socket, _ in
      socket.write(ByteBuffer(repeating: 0x62, count: 4 << 20))
      if afterEnd {
        socket.endOutput()
        socket.flushNow()
      }
      socket.close()
    }
    try await probe.peer.read()
    let (text, ending) = try await probe.peer.inbox.rest()
    #expect(text.utf8.count == 4 << 20)
    #expect(ending == .end)
    #expect(try await probe.events.next(where: { $0 == .closed }) == .closed)
  }

  @Test("an abort is a reset, which nobody takes for an end")
  func aborts() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.run { socket, _ in
      socket.write(ByteBuffer(string: "half"))
      socket.flushNow()
    }
    _ = try await probe.peer.until("half")
    try await probe.run { socket, _ in socket.abort() }
    #expect(try await probe.peer.inbox.rest() == ("", .reset))
    #expect(try await probe.events.next(where: { $0 == .closed }) == .closed)
  }

  @Test("a peer's reset is told once, as the last thing")
  func wasReset() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.peer.reset()
    #expect(try await probe.events.next(where: { $0 != .read }) == .closed)
    #expect(probe.events.waiting == [])
  }

  @Test("a socket that leaves hands over what was read and not taken")
  func leaves() async throws {
    let probe = try await JoinedProbe.start()
    try await probe.peer.send("early frames")
    #expect(try await probe.events.next() == .read)
    let rest = try await probe.run { socket, _ in
      let left = socket.leave()
      #expect(left?.0.isActive == true)
      #expect(!socket.isOpen && socket.leave() == nil)
      return left.map { String(buffer: $0.1) }
    }
    #expect(rest == "early frames")
    // Its user hears no more of the connection.
    try await probe.peer.close()
    #expect(probe.events.waiting == [])
  }
}

/// A creditor that holds its socket, as an exchange does; says when nobody holds it any more.
private final class Holder: Creditor {
  private let socket: JoinedSocket
  private let gone: Mailbox<Bool>

  init(_ socket: JoinedSocket, _ gone: Mailbox<Bool>) {
    self.socket = socket
    self.gone = gone
  }

  deinit { gone.put(true) }

  func bytesLeft(_ count: Int) {}
}
