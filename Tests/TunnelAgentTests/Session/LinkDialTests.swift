import Logging
import NIOCore
import NIOPosix
import SessionLink
import Testing
import TunnelCore

@testable import TunnelAgent

/// Which carrier is offered after what, to a relay and to things in front of it that a test plays.
@Suite("dialing for a link")
struct LinkDialTests {
  private let relay: RawListener
  private let loop = MultiThreadedEventLoopGroup.singleton.next()
  private let scratch: Scratch

  init() async throws {
    relay = try await RawListener.bind()
    scratch = try Scratch()
  }

  private func dial(
    _ transport: String = "auto", patience: TimeAmount = .seconds(10)
  ) async throws -> Dialed {
    var random = SystemRandomNumberGenerator()
    var request = TunnelRequest()
    request.targets = ["3000"]
    request.flags = [
      .init(name: "--relay", value: "http://127.0.0.1:\(relay.port)"),
      .init(name: "--transport", value: transport),
    ]
    let environment = [
      "HOME": scratch.path, "TUNNEL_AUTHTOKEN": Authtoken.random(using: &random).reveal(),
    ]
    let places = SettingsPlaces(environment: environment, directory: scratch.path)
    let settings = try AgentSettings(
      MergedSettings(request, places), InstallID(environment: environment, using: &random))
    var dialer = try settings.way.dialer()
    dialer.answerTimeout = patience
    return try await loop.submit { [loop, dialer] in
      let logger = Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
      return Dialed(NIOLoopBound(LinkDial(settings, dialer, loop, logger), eventLoop: loop))
    }.get()
  }

  /// The next handshake: the socket, and the carrier it asks for.
  private func asked() async throws -> (RawSocket, String) {
    let socket = try await relay.accept()
    let head = try await socket.until("\r\n\r\n")
    let isWebSocket = head.contains("\r\nUpgrade: websocket\r\n")
    guard isWebSocket, let mark = head.firstRange(of: "Sec-WebSocket-Key: ") else {
      #expect(head.contains("\r\nUpgrade: tunnel/1\r\n"))
      return (socket, Handshake.accepted(.raw))
    }
    let text = String(head[mark.upperBound...].prefix { !$0.isNewline })
    let key = try #require(WebSocketKey(text))
    return (socket, Handshake.accepted(.webSocket(key)))
  }

  private static let page = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"

  @Test("a connection closed without an answer: WebSocket at once, and first from then on")
  func remembered() async throws {
    let dial = try await dial()
    async let first = dial.start()
    try await asked().0.close()
    let (socket, yes) = try await asked()
    #expect(yes.contains("websocket"))
    try await socket.send(yes + "behind")
    #expect(try await first == "link over WebSocket, behind")

    // Only when WebSocket fails too, raw has its turn again.
    async let second = dial.start()
    let (front, again) = try await asked()
    #expect(again.contains("websocket"))
    try await front.send(Self.page)
    let (raw, rawYes) = try await asked()
    #expect(rawYes.contains("tunnel/1"))
    try await raw.send(rawYes)
    #expect(try await second == "link over tunnel/1, ")

    async let third = dial.start()
    let (last, lastYes) = try await asked()
    #expect(lastYes.contains("tunnel/1"))
    try await last.send(lastYes)
    #expect(try await third == "link over tunnel/1, ")
  }

  @Test("silence counts as something in the way, once")
  func silent() async throws {
    let dial = try await dial(patience: .seconds(1))
    async let outcome = dial.start()
    let (first, raw) = try await asked()
    #expect(raw.contains("tunnel/1"))
    let (second, webSocket) = try await asked()
    #expect(webSocket.contains("websocket"))
    #expect(try await outcome == "failed relay-unreachable")
    for socket in [first, second] { _ = try await socket.inbox.rest() }
    #expect(relay.unclaimed == 0)
  }

  @Test("the relay's own no is final, on the first carrier")
  func refused() async throws {
    let dial = try await dial()
    async let outcome = dial.start()
    try await asked().0.send(
      "HTTP/1.1 401 Unauthorized\r\nTunnel-Error: authtoken-refused\r\nContent-Length: 0\r\n\r\n")
    #expect(try await outcome == "refused 401")
    #expect(relay.unclaimed == 0)
  }

  @Test(
    "a relay's 426 is final only if it does not offer what was asked",
    arguments: [
      ("Upgrade: tunnel/1, websocket\r\n", true), ("", true), ("Upgrade: tunnel/2\r\n", false),
    ])
  func upgradeRequired(field: String, isStripped: Bool) async throws {
    let dial = try await dial("raw")
    async let outcome = dial.start()
    try await asked().0.send(
      "HTTP/1.1 426 Upgrade Required\r\n\(field)Tunnel-Error: agent-too-old\r\n"
        + "Content-Length: 0\r\n\r\n")
    #expect(try await outcome == (isStripped ? "failed relay-answer" : "refused 426"))
  }

  @Test("something that answers both is a stranger, and a chosen carrier is the only one")
  func stranger() async throws {
    let both = try await dial()
    async let outcome = both.start()
    for _ in 0..<2 { try await asked().0.send(Self.page) }
    #expect(try await outcome == "stranger 403")
    let only = try await dial("websocket")
    async let one = only.start()
    let (socket, yes) = try await asked()
    #expect(yes.contains("websocket"))
    try await socket.send(Self.page)
    #expect(try await one == "stranger 403")
    #expect(relay.unclaimed == 0)
  }
}

/// A dial of a test's, its outcomes in words.
private struct Dialed: Sendable {
  private let dial: NIOLoopBound<LinkDial>

  init(_ dial: NIOLoopBound<LinkDial>) { self.dial = dial }

  func start() async throws -> String {
    let said = dial.eventLoop.makePromise(of: String.self)
    dial.eventLoop.execute { dial.value.start { said.succeed(Self.words($0)) } }
    return try await said.futureResult.get()
  }

  private static func words(_ outcome: LinkDial.Outcome) -> String {
    switch outcome {
    case .link(let channel, let rest, let carrier):
      channel.close(promise: nil)
      return "link over \(carrier == .raw ? "tunnel/1" : "WebSocket"), \(String(buffer: rest))"
    case .refused(let answer): return "refused \(answer.status)"
    case .stranger(let answer): return "stranger \(answer.status)"
    case .failed(let error): return "failed \(error.code)"
    }
  }
}
