import NIOCore
import NIOPosix
import SessionLink
import Synchronization
import Testing
import TunnelCore

@testable import Inspection

@Suite("web server")
struct WebServerTests {
  private static let any = WebAddress(host: "127.0.0.1", port: 0)

  private static let api = AgentAPI(
    status: { .object([("state", "online")]) },
    take: { () async throws(UserError) in
      throw UserError(code: "not-connected", message: "away")
    })

  private static func ask(
    _ address: WebAddress, _ head: String
  ) async throws -> (status: Int, body: String) {
    let dialer = Dialer(host: address.dialHost, port: address.port)
    let request = ByteBuffer(string: head + "\r\nConnection: close\r\n\r\n")
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    return try await dialer.ask(request, on: loop).map { answer in
      guard case .message(let status, let body, _) = answer else { return (101, "") }
      return (status, String(buffer: body))
    }.get()
  }

  @Test("status, take, and what is neither")
  func routes() async throws {
    let server = try await WebServer.start(Self.any, Self.api)
    defer { server.stop() }
    let host = "Host: \(server.address)"
    let status = try await Self.ask(server.address, "GET /api/status HTTP/1.1\r\n\(host)")
    #expect(status == (200, "{\"state\":\"online\"}\n"))
    let take = try await Self.ask(server.address, "POST /api/take HTTP/1.1\r\n\(host)")
    #expect(take.status == 503 && take.body.contains("\"not-connected\""))
    // Taking changes something: a link or an image of a page must not be enough.
    let got = try await Self.ask(server.address, "GET /api/take HTTP/1.1\r\n\(host)")
    #expect(got.status == 404)
    let nothing = try await Self.ask(server.address, "GET /nothing HTTP/1.1\r\n\(host)")
    #expect(nothing.status == 404 && nothing.body.contains("\"status\":404"))
  }

  @Test(
    "strangers are refused before anything is looked at",
    arguments: [
      "GET /api/status HTTP/1.1\r\nHost: evil.example", "GET /api/status HTTP/1.0",
      "GET /nothing HTTP/1.1\r\nHost: evil.example", "POST /api/take HTTP/1.1\r\nHost: a",
      "GET /api/status HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example",
      "POST /api/take HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site",
      "OPTIONS /api/take HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example",
      "GET http://evil.example/api/status HTTP/1.1\r\nHost: evil.example",
    ])
  func strangers(_ head: String) async throws {
    let server = try await WebServer.start(Self.any, Self.api)
    defer { server.stop() }
    let answer = try await Self.ask(server.address, head)
    #expect(answer.status == 403 && answer.body.contains("\"web-stranger\""))
  }

  @Test("a taken port means the next free one; none free is a fault")
  func taken() async throws {
    let first = try await WebServer.start(Self.any, Self.api)
    defer { first.stop() }
    let second = try await WebServer.start(first.address, Self.api)
    defer { second.stop() }
    #expect(second.address.port > first.address.port)
    var limits = WebServer.Limits()
    limits.ports = 1
    await #expect(throws: WebFault.noFreePort) {
      try await WebServer.start(first.address, Self.api, limits: limits)
    }
  }

  @Test("an address that is not this machine's is a fault, in the system's words")
  func unusable() async throws {
    await #expect {
      try await WebServer.start(WebAddress(host: "192.0.2.1", port: 0), Self.api)
    } throws: { error in
      if case .unusable(let why) = error as? WebFault { !why.isEmpty } else { false }
    }
  }

  @Test("connections over the limit wait until one is over")
  func connections() async throws {
    let served = Atomic(0)
    let api = AgentAPI(
      status: { JSONText(served.add(1, ordering: .relaxed).newValue) },
      take: { () async throws(UserError) in .null })
    var limits = WebServer.Limits()
    limits.connections = 1
    let server = try await WebServer.start(Self.any, api, limits: limits)
    defer { server.stop() }
    let first = try Caller(server.address.port)
    #expect(try first.ask("/api/status").hasSuffix("\r\n\r\n1\n"))
    let second = try Caller(server.address.port)
    second.send("/api/status")
    for round in 2...20 {
      #expect(try first.ask("/api/status").hasSuffix("\r\n\r\n\(round)\n"))
    }
    first.close()
    #expect(try second.hear().hasSuffix("\r\n\r\n21\n"))
    second.close()
  }

  @Test("an idle connection is closed")
  func idle() async throws {
    var limits = WebServer.Limits()
    limits.idleTimeout = .milliseconds(20)
    let server = try await WebServer.start(Self.any, Self.api, limits: limits)
    defer { server.stop() }
    let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: server.address.port).get()
    try await silent.closeFuture.get()
  }

  @Test("after its start, and after a request, it rests")
  func rests() async throws {
    var limits = WebServer.Limits()
    limits.restAfter = .milliseconds(1)
    let (rests, rest) = AsyncStream<Void>.makeStream()
    let server = try await WebServer.start(Self.any, Self.api, limits: limits) { rest.yield() }
    defer { server.stop() }
    var each = rests.makeAsyncIterator()
    let first: Void? = await each.next()
    _ = try await Self.ask(
      server.address, "GET /api/status HTTP/1.1\r\nHost: \(server.address)")
    let second: Void? = await each.next()
    #expect(first != nil && second != nil)
  }
}
