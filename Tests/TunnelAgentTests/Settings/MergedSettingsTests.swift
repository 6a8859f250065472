import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("settings")
struct MergedSettingsTests {
  private let scratch: Scratch
  private let token: String
  private let other: String
  private var home: [String: String] { ["HOME": "\(scratch.path)/home"] }
  private var work: String { "\(scratch.path)/work" }

  init() throws {
    scratch = try Scratch()
    var random = SystemRandomNumberGenerator()
    token = Authtoken.random(using: &random).reveal()
    other = Authtoken.random(using: &random).reveal()
    try scratch.put("work/.git/HEAD", "")
    try scratch.put("work/sub/deep/x", "")
  }

  private func merged(
    _ line: String, _ environment: [String: String] = [:], in folder: String = "sub/deep"
  ) throws -> MergedSettings {
    guard case .tunnel(let request) = try CommandGrammar.parse(words(line)) else {
      throw CommandGrammar.usage("no tunnel")
    }
    let all = environment.merging(home) { first, _ in first }
    return try MergedSettings(request, .init(environment: all, directory: "\(work)/\(folder)"))
  }

  private func complete(_ merged: MergedSettings) throws -> AgentSettings {
    var random = SystemRandomNumberGenerator()
    return try AgentSettings(merged, InstallID(environment: home, using: &random))
  }

  @Test("flag beats environment beats project file beats user file, and each is named")
  func order() throws {
    let endpoint = "endpoints: [{url: https://user.example, upstream: {url: 1}}]\n"
    let user = try scratch.put(
      "home/.config/tunnel/tunnel.yml",
      "agent:\n  relay: https://user.relay\n  authtoken: \(token)\n" + endpoint)
    #expect(try merged("http").domain.source == .file(user, line: 4))
    #expect(try merged("http").upstream?.value.port == 1)
    #expect(try merged("http").relay == Sourced(try .init("user.relay"), .file(user, line: 2)))

    let project = try scratch.put(
      "work/tunnel.yml", "endpoints:\n  - url: project.example\n    upstream: {url: 2}\n")
    #expect(try merged("http").domain.source == .file(project, line: 2))
    #expect(try merged("http").upstream == Sourced(.init(port: 2), .file(project, line: 3)))

    let environment = [
      "TUNNEL_PORT": "3", "TUNNEL_DOMAIN": "env.example", "TUNNEL_RELAY": "env.relay",
      "TUNNEL_AUTHTOKEN": other,
    ]
    let third = try merged("http", environment)
    #expect(third.upstream == Sourced(.init(port: 3), .environment("TUNNEL_PORT")))
    #expect(third.domain.source == .environment("TUNNEL_DOMAIN"))
    #expect(third.relay.source == .environment("TUNNEL_RELAY"))
    #expect(third.authtoken?.value.reveal() == other)

    let fourth = try merged("4 --domain flag.example --relay https://flag.relay:8443", environment)
    #expect(fourth.upstream?.value.port == 4)
    #expect(fourth.domain.source == .flag("--domain"))
    #expect(fourth.relay.value.description == "https://flag.relay:8443")
    #expect(fourth.files == [project, user])
  }

  @Test("the project's name: flag, tunnel.yml, the git root's folder, none")
  func project() throws {
    #expect(try merged("1").project?.value == "work")
    try scratch.put("work/tunnel.yml", "project: shop\n")
    #expect(try merged("1").project?.value == "shop")
    #expect(try merged("1 --project mine").project?.value == "mine")
    let outside = SettingsPlaces(environment: home, directory: scratch.path)
    #expect(try MergedSettings(.init(), outside).project == nil)
  }

  @Test("outside of a git work tree only the folder's own file counts")
  func outsideGit() throws {
    try scratch.put("tunnel.yml", "project: other\n")
    try scratch.put("plain/x", "")
    let below = SettingsPlaces(environment: home, directory: "\(scratch.path)/plain")
    #expect(try MergedSettings(.init(), below).project == nil)
    let here = SettingsPlaces(environment: home, directory: scratch.path)
    #expect(try MergedSettings(.init(), here).project?.value == "other")
    #expect(try merged("1").project?.value == "work")
  }

  @Test("the authtoken: environment, its file, tunnel.yml; a shared file is a warning")
  func tokens() throws {
    let file = try scratch.put("t", "  \(token)\r\nmore\n", mode: 0o644)
    let fromFile = try merged("1", ["TUNNEL_AUTHTOKEN_FILE": file])
    #expect(fromFile.authtoken?.value.reveal() == token)
    #expect(
      fromFile.warnings == ["\(file) holds an authtoken and others can read it: chmod 600 \(file)"])
    let both = try merged("1", ["TUNNEL_AUTHTOKEN_FILE": file, "TUNNEL_AUTHTOKEN": other])
    #expect(both.authtoken?.value.reveal() == other)
    #expect(both.warnings.isEmpty)
  }

  @Test("a token file that cannot be read is 78, a text that is no token is 77 and not repeated")
  func badTokens() throws {
    let missing = #expect(throws: UserError.self) {
      try merged("1", ["TUNNEL_AUTHTOKEN_FILE": "/nonexistent"])
    }
    #expect(missing?.exit == .configuration)
    #expect(
      missing?.message
        == "TUNNEL_AUTHTOKEN_FILE: /nonexistent cannot be read: No such file or directory")
    let wrong = #expect(throws: UserError.self) {
      try merged("1", ["TUNNEL_AUTHTOKEN": "tun_hunter2"])
    }
    #expect(wrong?.exit == .authentication)
    #expect(wrong?.description.contains("hunter2") == false)
  }

  @Test("with neither relay nor token the local relay's first account is used")
  func firstRun() throws {
    let dev = try scratch.put("home/.local/share/tunnel-relay/dev.token", "\(token)\n")
    let local = try merged("1")
    #expect(local.relay.value.description == "http://127.0.0.1:8080")
    #expect(local.authtoken?.source == .file(dev, line: 1))
    try scratch.put("home/.local/share/tunnel-relay/relay.url", "http://localhost:9000\n")
    #expect(try merged("1").relay.value.description == "http://localhost:9000")

    let missing = #expect(throws: UserError.self) {
      try merged("1 --relay https://t.example").requireAuthtoken()
    }
    #expect(missing?.code == "authtoken-missing")
    #expect(missing?.exit == .authentication)
    #expect(missing?.fix == "`tunnel login https://t.example`, or set TUNNEL_AUTHTOKEN")
  }

  @Test("a project's file cannot send the user's token to a relay of its own")
  func strayToken() throws {
    try scratch.put(
      "home/.config/tunnel/tunnel.yml",
      "agent: {relay: https://mine.relay, authtoken: \(token)}\n")
    let project = try scratch.put("work/tunnel.yml", "agent: {relay: https://evil.relay}\n")
    let error = #expect(throws: UserError.self) { try merged("1") }
    #expect(error?.exit == .configuration)
    #expect(error?.message.hasPrefix("\(project):1: this file's relay is") == true)
    #expect(try merged("1 --relay evil.relay").authtoken?.value.reveal() == token)
    try scratch.put("work/tunnel.yml", "agent: {relay: https://mine.relay}\n")
    #expect(try merged("1").authtoken?.value.reveal() == token)
  }

  @Test(
    "relay addresses",
    arguments: [
      ("t.example", "https://t.example"), ("https://T.example:443/", "https://t.example"),
      ("t.example:8443", "https://t.example:8443"), ("http://localhost", "http://localhost"),
      ("http://127.9.9.9:81", "http://127.9.9.9:81"), ("http://[::1]:80", "http://[::1]"),
      ("http://a.localhost:8080", "http://a.localhost:8080"),
    ])
  func relays(text: String, shown: String) throws {
    #expect(try RelayAddress(text).description == shown)
  }

  @Test(
    "http to another machine needs --plain-http",
    arguments: [
      "http://t.example", "http://10.0.0.1:8080", "http://128.0.0.1", "http://127.1.evil",
    ])
  func plainHTTP(text: String) throws {
    let error = #expect(throws: UserError.self) { try merged("1 --relay \(text)") }
    #expect(error?.code == "relay-plain-http")
    #expect(error?.exit == .usage)
    #expect(try merged("1 --relay \(text) --plain-http").relay.value.scheme == .http)
    let inFile = #expect(throws: UserError.self) { try merged("1", ["TUNNEL_RELAY": text]) }
    #expect(inFile?.exit == .configuration)
  }

  @Test(
    "a bad file is one error with its line",
    arguments: [
      (
        "endpoints:\n  - name: a\n    upstrem: 3\n", "config-key",
        ":3: unknown key `upstrem`, expected upstream"
      ),
      ("endpoints: [{upstream: {url: 0}}]\n", "config-value", ":1: `0` is no port: 1 to 65535"),
      ("endpoints: {a: 1}\n", "config-value", ":1: `endpoints` must be a list, not a mapping"),
      ("version: 2\n", "config-value", ":1: `version` must be 3"),
      ("agent:\n  relay: [x]\n", "config-value", ":2: `agent.relay` must be a text, not a list"),
    ])
  func badFiles(text: String, code: String, message: String) throws {
    let file = try scratch.put("work/tunnel.yml", text)
    let error = #expect(throws: UserError.self) { try merged("http") }
    #expect(error?.code == code)
    #expect(error?.message == file + message)
    #expect(error?.exit == .configuration)
  }

  @Test("--name chooses one of several endpoints")
  func endpoints() throws {
    let list =
      "endpoints:\n- {name: app, url: a.example, upstream: 1}\n- {name: api, upstream: 2}\n"
    try scratch.put("work/tunnel.yml", list)
    #expect(try merged("http --name api").upstream?.value.port == 2)
    #expect(try merged("http --name app").domain.value.description == "a.example")
    #expect(try merged("3000").domain.value == .first)
    #expect(try merged("http").choices == ["app", "api"])
    let open = #expect(throws: UserError.self) { try complete(try merged("http")) }
    #expect(open?.message == "the settings name several endpoints: app, api")
    let wrong = #expect(throws: UserError.self) { try merged("http --name apps") }
    #expect(wrong?.fix == "--name app")
  }

  @Test("--config stands in place of the project's file, and must be there")
  func config() throws {
    try scratch.put("work/tunnel.yml", "project: a\n")
    let file = try scratch.put("b.yml", "project: b\n")
    #expect(try merged("1 --config \(file)").project?.value == "b")
    let missing = #expect(throws: UserError.self) { try merged("1 --config /nonexistent.yml") }
    #expect(missing?.message == "--config: there is no file /nonexistent.yml")
    #expect(missing?.exit == .configuration)
  }

  @Test("keys of later versions warn")
  func later() throws {
    let file = try scratch.put(
      "work/tunnel.yml",
      "version: 3\nendpoints:\n- {url: a.example, inbox: fallback, resign: true}\n")
    #expect(
      try merged("1").warnings
        == ["inbox", "resign"].map { "\(file):3: `\($0)` has no effect in this version yet" })
  }

  @Test("a tunnel needs a port; a response timeout is seconds")
  func complete() throws {
    let environment = ["TUNNEL_AUTHTOKEN": token]
    let missing = #expect(throws: UserError.self) {
      try complete(try merged("--domain a.example", environment))
    }
    #expect(missing?.code == "usage")
    let whole = try complete(try merged("3000 --response-timeout 2.5", environment))
    #expect(whole.responseTimeout == .milliseconds(2500))
    #expect(whole.upstream.port == 3000)
    #expect(throws: UserError.self) {
      try complete(try merged("3000 --response-timeout soon", environment))
    }
  }
}
