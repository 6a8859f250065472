import NIOCore
import NIOPosix
import Testing

@testable import SessionLink

/// The agent's way out, against a relay that a test plays.
@Suite("dialer")
struct DialerTests {
  private let request = "GET /x HTTP/1.1\r\nHost: relay.example\r\n\r\n"

  private enum Outcome: Equatable, Sendable {
    case message(Int, String)
    case switched(String)
    case fault(DialFault)
  }

  private func ask(_ dialer: Dialer, over carrier: Carrier? = nil) async throws -> Outcome {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    do {
      return try await dialer.ask(
        ByteBuffer(string: request), over: carrier, on: loop
      ).map { answer in
        switch answer {
        case .message(let status, let body, _): return Outcome.message(status, String(buffer: body))
        case .switched(let channel, let rest):
          channel.close(promise: nil)
          return Outcome.switched(String(buffer: rest))
        }
      }.get()
    } catch let fault as DialFault {
      return .fault(fault)
    }
  }

  private func outcome(
    _ answer: [String], over carrier: Carrier? = nil, closes: Bool = false
  ) async throws -> Outcome {
    let relay = try await RawListener.bind()
    async let outcome = ask(Dialer(host: "127.0.0.1", port: relay.port), over: carrier)
    let socket = try await relay.accept()
    _ = try await socket.until(request)
    for piece in answer { try await socket.send(piece) }
    if closes { try await socket.close() }
    return try await outcome
  }

  @Test("a 101 brings the connection, and what stood right behind it")
  func switches() async throws {
    let head =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel/1\r\n\r\n"
    #expect(try await outcome([head + "frames"], over: .raw) == .switched("frames"))
    #expect(try await outcome([head], over: .raw) == .switched(""))
    guard case .fault(.broken) = try await outcome([head]) else {
      Issue.record("a 101 that nobody asked for")
      return
    }
  }

  @Test("a 101 to something else than what was asked is no yes")
  func otherProtocol() async throws {
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    guard case .fault(.broken(let why)) = try await outcome([head], over: .raw) else {
      Issue.record("taken for a yes")
      return
    }
    #expect(why == "it switched to another protocol than the one that was offered")
  }

  @Test("an answer is whole however its bytes come")
  func pieces() async throws {
    let chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: x\r\n\r\n"
    let sized = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nabc"
    for step in [1, 2, 7, 200] {
      let bytes = Array(sized.utf8)
      let pieces = stride(from: 0, to: bytes.count, by: step).map {
        String(decoding: bytes[$0..<min($0 + step, bytes.count)], as: UTF8.self)
      }
      #expect(try await outcome(pieces) == .message(401, "abc"))
    }
    #expect(try await outcome([chunked]) == .message(200, "abc0123456789"))
  }

  @Test("an answer without a length ends with the connection")
  func untilClose() async throws {
    #expect(
      try await outcome(["HTTP/1.1 403 No\r\n\r\n", "abc"], closes: true) == .message(403, "abc"))
  }

  @Test("half an answer is a fault")
  func half() async throws {
    for answer in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"] {
      #expect(
        try await outcome([answer], closes: true)
          == .fault(.broken("the connection ended before its answer")))
    }
  }

  @Test("what is no HTTP is a fault")
  func garbage() async throws {
    guard case .fault(.broken(let why)) = try await outcome(["SSH-2.0-OpenSSH_9\r\n"]) else {
      Issue.record("taken for an answer")
      return
    }
    #expect(why.hasPrefix("its answer is no valid HTTP"))
  }

  @Test("where nobody listens the fault says so")
  func refused() async throws {
    let relay = try await RawListener.bind()
    let port = relay.port
    try await relay.close()
    let outcome = try await ask(Dialer(host: "127.0.0.1", port: port), over: .raw)
    #expect(outcome == .fault(.unreachable("Connection refused")))
  }

  @Test("a relay that accepts and says nothing is timed out, and its connection closed")
  func silent() async throws {
    let relay = try await RawListener.bind()
    var dialer = Dialer(host: "127.0.0.1", port: relay.port)
    dialer.answerTimeout = .seconds(1)
    #expect(try await ask(dialer, over: .raw) == .fault(.silent))
    _ = try await relay.accept().inbox.rest()
  }
}
