import Logging
import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("commands without a network")
struct CommandsTests {
  private func output(_ run: (Terminal) throws -> Void) throws -> String {
    let pipe = try Pipe()
    let writer = LineWriter(pipe.input)
    try run(Terminal(style: .init(), output: writer, errors: writer))
    return pipe.drain()
  }

  @Test("config show names sources and masks the token")
  func show() throws {
    var random = SystemRandomNumberGenerator()
    let token = Authtoken.random(using: &random)
    let places = SettingsPlaces(
      environment: [
        "TUNNEL_AUTHTOKEN": token.reveal(), "TUNNEL_RELAY": "t.example", "TUNNEL_PORT": "3000",
      ], directory: "/")
    let merged = try MergedSettings(.init(), places)
    let human = try output { ConfigCommands.show(merged, json: false, $0) }
    #expect(
      human == """
        relay      https://t.example  (environment TUNNEL_RELAY)
        authtoken  \(token)  (environment TUNNEL_AUTHTOKEN)
        proxy      direct  (no proxy is set)
        ca         (not set)  (the system's)
        transport  auto  (the default)
        domain     (not set)  (the account's first)
        upstream   http://localhost:3000  (environment TUNNEL_PORT)
        project    (not set)

        """)
    let machine = try output { ConfigCommands.show(merged, json: true, $0) }
    let relay = #"{"relay":{"value":"https://t.example","source":"environment TUNNEL_RELAY"},"#
    #expect(machine.hasPrefix(relay))
    #expect(!(human + machine).contains(token.reveal()))
  }

  @Test("explain finds a code as it stands in an error, and the nearest to a mistyped one")
  func explain() throws {
    let said = try output { try ExplainCommand.run("error[domain-taken]:", json: false, $0) }
    #expect(said.hasPrefix("domain-taken: "))
    #expect(said.contains("exit code 73"))
    let list = try output { try ExplainCommand.run(nil, json: true, $0) }
    #expect(list.split(separator: "\n").count == ErrorCatalogue.entries.count)
    let error = #expect(throws: UserError.self) {
      _ = try output { try ExplainCommand.run("domain-takn", json: false, $0) }
    }
    #expect(error?.fix == "did you mean `tunnel explain domain-taken`?")
  }

  @Test("every code that the agent's settings and commands use is in the catalogue")
  func codes() {
    for code in [
      "usage", "config-key", "config-value", "config-syntax", "config-file", "authtoken-missing",
      "authtoken-invalid", "authtoken-refused", "relay-plain-http", "relay-unreachable",
      "relay-answer", "ca-file", "domain-invalid", "internal",
    ] {
      #expect(ErrorCatalogue.entry(code) != nil, "\(code)")
    }
  }

  @Test("help names every working flag and none of a later version")
  func help() {
    for flag in TunnelFlag.all where !flag.name.hasPrefix("--no-") {
      #expect(HelpText.tunnel.contains("\(flag.name) ") == (flag.state == .works), "\(flag.name)")
    }
    #expect(HelpText.tunnel.split(separator: "\n").allSatisfy { $0.count < 100 })
  }

  @Test("log lines in three forms")
  func logs() throws {
    for (form, line) in [
      (LogSettings.Form.text, "warn relay \"went\\x0aaway\" addr=127.0.0.1:80 why=\"no route\"\n"),
      (
        .logfmt,
        #"t=1970-01-01T00:00:00.000Z lvl=warn msg="relay \"went\naway\"" addr=127.0.0.1:80 why="no route""#
          + "\n"
      ),
      (
        .json,
        #"{"t":"1970-01-01T00:00:00.000Z","lvl":"warn","msg":"relay \"went\naway\"","addr":"127.0.0.1:80","why":"no route"}"#
          + "\n"
      ),
    ] {
      let pipe = try Pipe()
      var settings = LogSettings()
      settings.form = form
      let writer = LineWriter(pipe.input)
      let logger = Logger(label: "t") { _ in AgentLog(settings, writer: writer, clock: { 0 }) }
      logger.warning("relay \"went\naway\"", metadata: ["why": "no route", "addr": "127.0.0.1:80"])
      logger.info("not at this level")
      #expect(pipe.drain().hasSuffix(line))
    }
  }
}
