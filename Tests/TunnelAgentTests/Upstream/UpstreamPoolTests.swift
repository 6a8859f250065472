import Testing

@testable import TunnelAgent

/// Which connection to the app carries a request, and what happens when it was dying.
@Suite("connections to the app")
struct UpstreamPoolTests {
  private let get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
  private let post = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi"
  private let okay = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  @Test("exchanges one after the other share a connection")
  func reuse() async throws {
    let app = try await RawListener.bind()
    let rig = try await UpstreamRig(port: app.port)
    let first = try await rig.exchange()
    first.give(get, end: true)
    let socket = try await answered(app, first)
    try await rig.pass(post, by: socket, answer: okay)
    try await rig.pass(get, by: socket, answer: okay)
    #expect(app.unclaimed == 0)
    #expect(try await first.owed() == 0)
  }

  /// A pool whose one connection has served an exchange.
  private func warm() async throws -> (RawListener, UpstreamRig, RawSocket) {
    let app = try await RawListener.bind()
    let rig = try await UpstreamRig(port: app.port)
    let run = try await rig.exchange()
    run.give(get, end: true)
    return (app, rig, try await answered(app, run))
  }

  @Test("a connection that no request may use any more is closed")
  func sweep() async throws {
    let app = try await RawListener.bind()
    let rig = try await UpstreamRig(port: app.port, fresh: .milliseconds(20))
    let run = try await rig.exchange()
    run.give(get, end: true)
    let socket = try await answered(app, run)
    #expect(try await socket.inbox.rest() == ("", .end))
  }

  @Test(
    "on a connection that dies before its answer, what may be repeated goes once more",
    arguments: [
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi",
      "DELETE / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi",
    ], [true, false])
  func again(_ request: String, byReset: Bool) async throws {
    let (app, rig, old) = try await warm()
    let run = try await rig.exchange()
    run.give(request, end: true)
    _ = try await old.until(request)
    if byReset { try await old.reset() } else { try await old.close() }
    let fresh = try await app.accept()
    _ = try await fresh.until(request)
    try await fresh.send("HTTP/1.1 204 No Content\r\n\r\n")
    #expect(try await run.inbox.rest() == ("HTTP/1.1 204 No Content\r\n\r\n", .end))
    #expect(try await run.owed() == 0)
  }

  @Test("it goes once more only once")
  func twice() async throws {
    let (app, rig, old) = try await warm()
    let run = try await rig.exchange()
    run.give(get, end: true)
    _ = try await old.until(get)
    try await old.close()
    let fresh = try await app.accept()
    _ = try await fresh.until(get)
    try await fresh.close()
    #expect(try await run.words.next() == .reset(.upstreamInvalid))
    #expect(try await run.reports.next() == "GET / upstream-invalid")
    #expect(app.unclaimed == 0)
  }

  @Test("a POST never goes twice")
  func never() async throws {
    let (app, rig, old) = try await warm()
    let run = try await rig.exchange()
    run.give(post, end: true)
    _ = try await old.until(post)
    try await old.close()
    #expect(try await run.words.next() == .reset(.upstreamInvalid))
    #expect(app.unclaimed == 0)
  }

  @Test("nothing goes again once the app has begun to answer")
  func begun() async throws {
    let (app, rig, old) = try await warm()
    let run = try await rig.exchange()
    run.give(get, end: true)
    _ = try await old.until(get)
    try await old.send("HTTP/1.1 200 OK\r\nContent-Le")
    try await old.close()
    #expect(try await run.words.next() == .reset(.upstreamInvalid))
    #expect(app.unclaimed == 0)
  }

  @Test("a connection that the app closed while it rested, or wrote to, is not used again")
  func closedAtRest() async throws {
    for ending in ["close", "noise"] {
      let (app, rig, old) = try await warm()
      if ending == "close" {
        try await old.endOutput()
      } else {
        try await old.send("HTTP/1.1 408 x")
      }
      // The pool's side closes once it has seen that.
      _ = try await old.inbox.rest()
      let run = try await rig.exchange()
      run.give(post, end: true)
      let fresh = try await app.accept()
      _ = try await fresh.until(post)
      try await fresh.send(okay)
      #expect(try await run.inbox.rest() == (okay, .end))
    }
  }

  @Test(
    "an answer that says so ends its connection",
    arguments: [
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ])
  func ends(_ answer: String) async throws {
    let app = try await RawListener.bind()
    let rig = try await UpstreamRig(port: app.port)
    for _ in 1...2 {
      let run = try await rig.exchange()
      run.give(get, end: true)
      let socket = try await app.accept()
      _ = try await socket.until(get)
      try await socket.send(answer)
      #expect(try await run.inbox.rest() == (answer, .end))
    }
  }

  @Test("localhost is 127.0.0.1, then ::1")
  func both() async throws {
    let app = try await RawListener.bind("::1")
    let rig = try await UpstreamRig(host: "localhost", port: app.port)
    let run = try await rig.exchange()
    run.give(get, end: true)
    try await rig.pass(post, by: try await answered(app, run), answer: okay)
  }

  @Test(
    "a name with two addresses leads to the one where the app is", arguments: ["::1", "127.0.0.1"])
  func name(address: String) async throws {
    let app = try await RawListener.bind(address)
    let rig = try await UpstreamRig(host: "app.example", port: app.port, resolver: BothLoopbacks())
    let run = try await rig.exchange()
    run.give(get, end: true)
    try await rig.pass(post, by: try await answered(app, run), answer: okay)
  }

  private func answered(_ app: RawListener, _ run: UpstreamRun) async throws -> RawSocket {
    let socket = try await app.accept()
    _ = try await socket.until(get)
    try await socket.send(okay)
    #expect(try await run.inbox.rest() == (okay, .end))
    return socket
  }

  @Test("where nobody listens the refusal says so")
  func refused() async throws {
    let app = try await RawListener.bind()
    let port = app.port
    try await app.close()
    let run = try await UpstreamRig(port: port).exchange()
    run.give(post, end: true)
    #expect(try await run.words.next() == .reset(.upstreamRefused))
    #expect(try await run.reports.next() == "POST / upstream-refused")
  }
}
