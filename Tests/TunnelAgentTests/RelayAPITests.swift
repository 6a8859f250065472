import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("commands that ask the relay")
struct RelayAPITests {
  private let relay: RelayAddress
  private let token: Authtoken

  init() throws {
    var random = SystemRandomNumberGenerator()
    relay = try RelayAddress("http://127.0.0.1:8080")
    token = Authtoken.random(using: &random)
  }

  private func answering(_ status: Int, _ body: String) -> RelayAPI.Exchange {
    { _, _ throws(UserError) in .init(status: status, body: Array(body.utf8)) }
  }

  private func api(_ status: Int, _ body: String) -> RelayAPI {
    RelayAPI(relay, token, exchange: answering(status, body))
  }

  private func output(
    _ run: (Terminal) async throws -> Void
  ) async throws -> String {
    let pipe = try Pipe()
    let writer = LineWriter(pipe.input)
    try await run(Terminal(style: .init(), output: writer, errors: writer))
    return pipe.drain()
  }

  @Test("login keeps what the relay knows, in the user's file")
  func login() async throws {
    let scratch = try Scratch()
    let file = try UserConfigFile(environment: ["HOME": scratch.path])
    let body = #"{"account":"ann","domains":[{"domain":"b.t.example","online":true}],"x":1}"#
    let said = try await output {
      try await AccountCommands.login(
        relay, token: " \(token.reveal())\n", in: file, $0, exchange: answering(200, body))
    }
    #expect(
      said == """
        Authtoken saved to configuration file: \(file.path)
        Account ann at http://127.0.0.1:8080, holds b.t.example

        """)
    let text = "agent:\n  authtoken: \(token.reveal())\n  relay: http://127.0.0.1:8080\n"
    #expect(try scratch.text(".config/tunnel/tunnel.yml") == text)
  }

  @Test(
    "the relay's no becomes an exit code",
    arguments: [
      (
        401, #"{"status":401,"code":"authtoken-refused","detail":"unknown"}"#, "authtoken-refused",
        ExitCode.authentication
      ),
      (401, "", "authtoken-refused", .authentication),
      (403, #"{"code":"account-disabled"}"#, "account-disabled", .authentication),
      (409, #"{"code":"domain-taken","detail":"no","fix":"f"}"#, "domain-taken", .taken),
      (403, #"{"code":"domain-not-held"}"#, "domain-not-held", .taken),
      (409, #"{"code":"domain-reserved"}"#, "domain-reserved", .taken),
      (503, #"{"code":"something-new"}"#, "something-new", .unavailable),
      (404, "<html>", "relay-answer", .unavailable), (200, "<html>", "relay-answer", .unavailable),
    ] as [(Int, String, String, ExitCode)])
  func refusals(status: Int, body: String, code: String, exit: ExitCode) async throws {
    let scratch = try Scratch()
    let file = try UserConfigFile(environment: ["HOME": scratch.path])
    let terminal = Terminal(style: .init(), output: LineWriter(-1), errors: LineWriter(-1))
    let error = await #expect(throws: UserError.self) {
      try await AccountCommands.login(
        relay, token: token.reveal(), in: file, terminal, exchange: answering(status, body))
    }
    #expect(error?.code == code)
    #expect(error?.exit == exit)
    #expect(!SmallFile.exists(file.path))
  }

  @Test("domains are listed in columns, or one object a line")
  func list() async throws {
    let body = """
      {"items":[{"domain":"a.example","url":"https://a.example","online":true},
      {"domain":"b","online":false}]}
      """
    let human = try await output {
      try await AccountCommands.list(api(200, body), json: false, $0)
    }
    #expect(human == "a.example  online\nb          offline\n")
    let machine = try await output {
      try await AccountCommands.list(api(200, body), json: true, $0)
    }
    #expect(
      machine == """
        {"domain":"a.example","url":"https://a.example","online":true}
        {"domain":"b","online":false}

        """)
  }

  @Test("claim and release ask for the bare name")
  func claim() async throws {
    let exchange: RelayAPI.Exchange = { _, request throws(UserError) in
      let said =
        "\(request.method) \(request.path) \(String(decoding: request.body ?? [], as: UTF8.self))"
      switch said {
      case #"POST /api/v1/domains {"domain":"mine.example"}"#:
        return .init(status: 201, body: Array(#"{"domain":"mine.example"}"#.utf8))
      case "DELETE /api/v1/domains/mine.example ": return .init(status: 204, body: [])
      default: return .init(status: 500, body: Array(said.utf8))
      }
    }
    let api = RelayAPI(relay, token, exchange: exchange)
    let said = try await output {
      try await AccountCommands.claim("https://Mine.example/", api, json: false, $0)
      try await AccountCommands.release("mine.example", api, json: false, $0)
    }
    #expect(said == "Claimed     mine.example\nReleased    mine.example\n")
    let bad = await #expect(throws: UserError.self) {
      try await output { try await AccountCommands.release("../account", api, json: true, $0) }
    }
    #expect(bad?.exit == .usage)
  }

  @Test("a relay that is not there is 69, also where a proxy is")
  func unreachable() async throws {
    let plain = try RelayAddress("http://127.0.0.1:1")
    let api = RelayAPI(plain, token, exchange: OneShot.exchange(try way(plain)))
    let error = await #expect(throws: UserError.self) {
      let _: AccountCommands.Account = try await api.get("/api/v1/account")
    }
    #expect(error?.code == "relay-unreachable")
    #expect(error?.exit == .unavailable)
    #expect(error?.message == "http://127.0.0.1:1 cannot be reached: connection refused")
    let secure = try RelayAddress("t.example")
    let through = RelayAPI(
      secure, token, exchange: OneShot.exchange(try way(secure, "http://u:hunter2@127.0.0.1:1")))
    let proxy = await #expect(throws: UserError.self) { try await through.delete("/api/v1/x") }
    #expect(proxy?.code == "proxy-unreachable")
    #expect(proxy?.exit == .unavailable)
    #expect(
      proxy?.message
        == "the proxy http://127.0.0.1:1 (environment HTTPS_PROXY) cannot be reached: "
        + "connection refused")
  }

  private func way(_ relay: RelayAddress, _ proxy: String? = nil) throws -> WayOut {
    let environment = proxy.map { ["HTTPS_PROXY": $0] } ?? [:]
    return try WayOut.login(relay, .init(), .init(environment: environment, directory: "/"))
  }
}
