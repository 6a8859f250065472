import Testing
import TunnelCore

@testable import TunnelAgent

/// Splits a command line at blanks.
func words(_ line: String) -> [String] {
  line.split(separator: " ").map(String.init)
}

@Suite("the command line")
struct CommandGrammarTests {
  private let nowhere = SettingsPlaces(environment: [:], directory: "/")

  private func settings(
    _ line: String, _ environment: [String: String] = [:]
  ) throws -> MergedSettings {
    guard case .tunnel(let request) = try CommandGrammar.parse(words(line)) else {
      throw CommandGrammar.usage("no tunnel")
    }
    return try MergedSettings(request, .init(environment: environment, directory: "/"))
  }

  @Test(
    "every spelling starts the same tunnel",
    arguments: [
      "--domain mine.example --port 3000", "--domain=mine.example --port=3000",
      "http 3000 --url https://mine.example", "http 3000 --url=https://mine.example/",
      "http --domain=mine.example localhost:3000", "--domain mine.example http 3000",
      "--hostname mine.example 3000", "3000 --hostname=MINE.example.",
      "http://localhost:3000 --url http://mine.example", "localhost --port 3000 --url mine.example",
      ":3000 --domain mine.example", "--port 3000 http --domain https://mine.example:443",
      "--domain mine.example --url https://mine.example 3000 --port 3000",
      "--json --domain mine.example -q 3000", "--domain mine.example -- 3000",
    ])
  func spellings(line: String) throws {
    let settings = try settings(line)
    #expect(settings.domain.value == .full(try DomainName("mine.example")))
    #expect(settings.upstream?.value == UpstreamTarget(port: 3000))
  }

  @Test(
    "a bare label is a subdomain of the relay",
    arguments: ["--subdomain brave", "--domain brave", "--url https://brave", "--hostname=Brave"])
  func labels(line: String) throws {
    #expect(try settings(line + " 3000").domain.value == .label("brave"))
  }

  @Test("a target alone asks for the account's first domain, or TUNNEL_DOMAIN")
  func first() throws {
    #expect(try settings("3000").domain.value == .first)
    let said = try settings("3000", ["TUNNEL_DOMAIN": "mine.example"])
    #expect(said.domain.value == .full(try DomainName("mine.example")))
  }

  @Test(
    "targets",
    arguments: [
      ("8080", "http://localhost:8080"), ("localhost", "http://localhost"),
      ("http://localhost", "http://localhost"), ("127.0.0.1:5173", "http://127.0.0.1:5173"),
      ("[::1]:3000", "http://[::1]:3000"), ("app.test:3000", "http://app.test:3000"),
      ("HTTP://LOCALHOST:3000/", "http://localhost:3000"), ("http http 1", "http://localhost:1"),
    ])
  func targets(word: String, shown: String) throws {
    #expect(try settings(word).upstream?.value.description == shown)
  }

  @Test("commands come first and keep their own words")
  func commands() throws {
    #expect(try CommandGrammar.parse([]) == .nothing)
    #expect(try CommandGrammar.parse(["version"]) == .command(.version, []))
    #expect(try CommandGrammar.parse(["--version"]) == .version)
    #expect(try CommandGrammar.parse(["http", "--help"]) == .help(nil))
    #expect(try CommandGrammar.parse(["-h"]) == .help(nil))
    #expect(try CommandGrammar.parse(["help", "login"]) == .help(.login))
    #expect(
      try CommandGrammar.parse(words("domains ls --json")) == .command(.domains, ["ls", "--json"]))
  }

  @Test(
    "slips end with exit 2 and say what is meant",
    arguments: [
      ("lgoin x", "unknown command `lgoin`", "did you mean `tunnel login`?"),
      ("requests", "`tunnel requests` is not in this version yet", "`tunnel --help` shows what is"),
      ("--json domains", "`domains` is a command and comes first", "`tunnel domains …`"),
      ("--domian x 3000", "unknown flag `--domian`", "did you mean --domain?"),
      ("--inbox off 3000", "--inbox is not in this version yet", "`tunnel --help` shows what is"),
      ("--port", "--port needs a value: --port PORT", nil),
      ("--port --json", "--port needs a value: --port PORT", nil),
      ("--json=maybe 1", "--json takes no value, or true or false", nil),
      ("--port 70000", "--port: `70000` is no port: 1 to 65535", nil),
      ("0", "TARGET: `0` is no port: 1 to 65535", nil),
      (
        "3000 4000", "two targets: http://localhost:3000 and http://localhost:4000",
        "say one of them"
      ),
      (
        "3000 --port 4000", "two targets: http://localhost:3000 and http://localhost:4000",
        "say one of them"
      ),
      (
        "3000 --domain a.example --url https://b.example",
        "two domains: a.example and b.example", "say one of them"
      ),
      (
        "https://localhost:3000", "TARGET: an https app is not in this version yet",
        "let the app listen on plain http"
      ),
      (
        "http://localhost:3000/api",
        "TARGET: `http://localhost:3000/api` has a path; a tunnel passes every path as it is",
        "leave out `/api`"
      ),
      ("--subdomain a.b 3000", "--subdomain: `a.b` is no label", "--domain a.b"),
      ("3000 --color sometimes", "--color: `sometimes` is none of auto, always, never", nil),
      ("3000 -q -v", "--quiet and --verbose contradict each other", nil),
      ("3000 --log-level loud", "--log-level: `loud` is none of debug, info, warn, error", nil),
      (
        "3000 hello", "`hello` is no target",
        "a target is a port or an address of the app: `3000`, `localhost:3000`"
      ),
    ] as [(String, String, String?)])
  func slips(line: String, message: String, fix: String?) throws {
    let error = #expect(throws: UserError.self) {
      let merged = try settings(line)
      _ = try OutputSettings(merged.request)
    }
    #expect(error?.message == message)
    #expect(error?.fix == fix ?? ErrorCatalogue.entry("usage")?.fix)
    #expect(error?.code == "usage")
    #expect(error?.exit == .usage)
  }

  @Test("a token on the command line is refused with the ways there are")
  func token() {
    let error = #expect(throws: UserError.self) { try settings("3000 --authtoken=tun_secret") }
    #expect(error?.description.contains("tun_secret") == false)
    #expect(error?.fix?.contains("TUNNEL_AUTHTOKEN_FILE") == true)
  }

  @Test("output flags")
  func output() throws {
    let line = "3000 -v --log /tmp/x.log --log-format=json --color never --json"
    guard case .tunnel(let request) = try CommandGrammar.parse(words(line)) else { return }
    let output = try OutputSettings(request)
    #expect(output.json && output.verbose && !output.quiet)
    #expect(output.color == .never)
    #expect(output.log.place == .file("/tmp/x.log"))
    #expect(output.log.form == .json)
    #expect(output.log.level == .debug)
  }
}
