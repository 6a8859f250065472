import Testing

@testable import TunnelAgent

/// One request to an app that a test plays, byte by byte.
@Suite("an exchange with the app")
struct UpstreamExchangeTests {
  private let get = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n"

  private func begin(
    _ request: String, end: Bool = true
  ) async throws -> (run: UpstreamRun, app: RawSocket) {
    let listener = try await RawListener.bind()
    let run = try await UpstreamRig(port: listener.port).exchange()
    run.give(request, end: end)
    let app = try await listener.accept()
    _ = try await app.until(request)
    return (run, app)
  }

  @Test("an answer without a length lasts until the app closes")
  func untilClose() async throws {
    let (run, app) = try await begin(get)
    try await app.send("HTTP/1.1 200 OK\r\n\r\nall")
    _ = try await run.inbox.until("all")
    try await app.send(" of it")
    try await app.close()
    #expect(try await run.inbox.rest() == (" of it", .end))
  }

  @Test("interim answers pass before the answer")
  func interim() async throws {
    let (run, app) = try await begin(get)
    try await app.send("HTTP/1.1 103 Early Hints\r\n\r\n")
    _ = try await run.inbox.until("103 Early Hints\r\n\r\n")
    try await app.send("HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n")
    #expect(
      try await run.inbox.rest() == ("HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n", .end))
    #expect(try await run.reports.next() == "GET /a 404")
  }

  @Test("an app that closes without an answer is upstream-invalid")
  func closes() async throws {
    let (run, app) = try await begin(get)
    try await app.close()
    #expect(try await run.words.next() == .reset(.upstreamInvalid))
    #expect(try await run.reports.next() == "GET /a upstream-invalid")
  }

  @Test(
    "what is no HTTP/1.1 is upstream-invalid, and the connection closes",
    arguments: [
      "SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 200 OK\nX: y\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ])
  func garbage(_ answer: String) async throws {
    let (run, app) = try await begin(get)
    try await app.send(answer)
    #expect(try await run.words.next() == .reset(.upstreamInvalid))
    _ = try await app.inbox.rest()
  }

  @Test("an answer that breaks off is reset, not ended")
  func breaks() async throws {
    let (run, app) = try await begin(get)
    try await app.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    _ = try await run.inbox.until("half")
    try await app.close()
    #expect(try await run.inbox.rest() == ("", .reset))
    #expect(try await run.reports.next() == "GET /a 200")
  }

  @Test("an app that is silent for too long is upstream-timeout, and its connection closes")
  func timeout() async throws {
    let listener = try await RawListener.bind()
    let run = try await UpstreamRig(port: listener.port).exchange(timeout: .milliseconds(20))
    run.give(get, end: true)
    #expect(try await run.words.next() == .reset(.upstreamTimeout))
    _ = try await listener.accept().inbox.rest()
  }

  @Test("a request that nobody waits for any more closes the app's connection")
  func cancel() async throws {
    let (run, app) = try await begin(get)
    run.stop()
    _ = try await app.inbox.rest()
    #expect(try await run.reports.next() == "GET /a client-gone")
    let (lost, other) = try await begin(get)
    lost.lose()
    _ = try await other.inbox.rest()
  }

  @Test("an answer before the request's end is passed, the rest of the request is not wanted")
  func early() async throws {
    let (run, app) = try await begin(
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf", end: false)
    try await app.send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
    #expect(
      try await run.inbox.rest() == ("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", .end))
    #expect(try await run.words.next() == .stop(.done))
    _ = try await app.inbox.rest()
  }

  @Test("half a request, or more than one, is the relay's fault and reaches the app no further")
  func badRequest() async throws {
    let half = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf"
    let (run, app) = try await begin(half, end: false)
    run.give("", end: true)
    #expect(try await run.words.next() == .reset(.badMessage))
    _ = try await app.inbox.rest()
    let listener = try await RawListener.bind()
    let other = try await UpstreamRig(port: listener.port).exchange()
    other.give(get + get, end: true)
    #expect(try await other.words.next() == .reset(.badMessage))
    #expect(listener.unclaimed == 0)
  }

  private let upgrade =
    "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
  private let switching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"

  @Test(
    "after 101 bytes pass both ways, and each side ends its own half", arguments: [true, false])
  func raw(appFirst: Bool) async throws {
    let (run, app) = try await begin(upgrade, end: false)
    try await app.send(switching + "hello")
    #expect(try await run.inbox.until("hello") == switching + "hello")
    run.give("to the app")
    _ = try await app.until("to the app")
    try await app.send("from the app")
    _ = try await run.inbox.until("from the app")
    if appFirst {
      try await app.endOutput()
      #expect(try await run.inbox.rest() == ("", .end))
      run.give("last words", end: true)
      #expect(try await app.inbox.rest() == ("last words", .end))
    } else {
      run.give("last words", end: true)
      #expect(try await app.inbox.rest() == ("last words", .end))
      try await app.send("the app's")
      try await app.close()
      #expect(try await run.inbox.rest() == ("the app's", .end))
    }
  }

  @Test("an app that declines the upgrade answers like any other")
  func declined() async throws {
    let (run, app) = try await begin(upgrade, end: false)
    let answer = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
    try await app.send(answer)
    #expect(try await run.inbox.rest() == (answer, .end))
    run.give("", end: true)
  }
}
