import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("policies as they are said")
struct PolicySettingsTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func settings(_ line: [String], file: String = "") throws -> PolicySettings {
    if !file.isEmpty {
      try scratch.put("tunnel.yml", "endpoints:\n  - url: mine.example\n" + file)
    }
    guard case .tunnel(let request) = try CommandGrammar.parse(["3000"] + line) else {
      throw CommandGrammar.usage("no tunnel")
    }
    let places = SettingsPlaces(
      environment: ["HOME": "\(scratch.path)/home"], directory: scratch.path)
    return try MergedSettings(request, places).policies
  }

  private func lines(_ line: [String], file: String = "") throws -> [String] {
    try settings(line, file: file).lines(for: UpstreamTarget(port: 3000))
  }

  @Test("nothing said is nothing declared")
  func nothing() throws {
    #expect(try lines([]) == [])
    #expect(try lines(["--host-header", "preserve"]) == [])
  }

  @Test("flags, in the order in which they stand")
  func flags() throws {
    let said = try lines([
      "--cidr-deny", "10.0.0.1", "--cidr-allow=10.0.0.0/8", "--cidr-allow", "::1",
      "--rate-limit", "1/s", "--rate-limit", "5/m", "--request-header-add", "X-A:  b ",
      "--request-header-remove", "Cookie", "--response-header-add", "X-C: d",
      "--response-header-remove", "Server", "--host-header", "shop.internal",
    ])
    #expect(
      said == [
        "allow 10.0.0.0/8", "allow ::1", "deny 10.0.0.1", "rate 5/m", "request-remove Cookie",
        "request-add X-A: b", "response-remove Server", "response-add X-C: d",
        "host shop.internal",
      ])
  }

  @Test(
    "the file's keys: one text or a list, headers flat or grouped, as lines or as names",
    arguments: [
      "    request_header_add: ['X-A: b', 'X-C: d']\n    request_header_remove: Cookie\n",
      "    request_header_add: {X-A: b, X-C: d}\n    request_headers: {remove: [Cookie]}\n",
      "    request_headers: {add: ['X-A: b', 'X-C: d'], remove: Cookie}\n",
      "    request_headers:\n      add:\n        X-A: b\n        X-C: d\n      remove: [Cookie]\n",
      "    request_header_add: 'X-A: b'\n    request_headers: {add: 'X-C: d', remove: Cookie}\n",
    ])
  func file(_ text: String) throws {
    #expect(
      try lines([], file: text)
        == ["request-remove Cookie", "request-add X-A: b", "request-add X-C: d"])
  }

  @Test("a flag takes the place of its own key, and of no other")
  func replaces() throws {
    let file =
      "    cidr_allow: [10.0.0.0/8, 11.0.0.0/8]\n    cidr_deny: 10.1.1.1\n    rate_limit: 1/s\n"
    #expect(
      try lines(["--cidr-allow", "::1", "--rate-limit", "2/s"], file: file)
        == ["allow ::1", "deny 10.1.1.1", "rate 2/s"])
  }

  @Test(
    "Host is rewritten to what a browser on this machine would say",
    arguments: [
      ("3000", "localhost:3000"), ("localhost:80", "localhost"), ("[::1]:81", "[::1]:81"),
    ])
  func rewrite(_ upstream: String, _ host: String) throws {
    let settings = try settings(["--host-header", "rewrite"])
    #expect(try settings.lines(for: try UpstreamTarget(upstream)) == ["host \(host)"])
  }

  @Test("passwords are hashed under one salt of the run, and shown nowhere")
  func passwords() throws {
    let settings = try settings(["--basic-auth", "ann:open sesame", "--basic-auth", "bob:b"])
    let lines = try settings.lines(for: UpstreamTarget(port: 1))
    let policies = try Policies(lines: lines)
    #expect(policies.passwords.count == 2)
    #expect(policies.passwords[0].digest != policies.passwords[1].digest)
    let typed = try BasicCredentials(typed: "ann:open sesame")
    let salt = policies.passwords[0].salt
    #expect(try PasswordHash(of: typed, salt: salt) == policies.passwords[0])
    #expect(try settings.lines(for: UpstreamTarget(port: 1)) != lines)
    #expect(settings.said.map(\.texts) == [["ann:…", "bob:…"]])
    #expect(settings.warnings.count == 1)
  }

  @Test("too much is said here already: 2 for flags, 78 for a file")
  func tooMuch() throws {
    let many = (0..<65).flatMap { ["--cidr-deny", "10.0.0.\($0)"] }
    #expect(throws: Never.self) { try settings(Array(many.dropLast(2))) }
    #expect(#expect(throws: UserError.self) { try settings(many) }?.exit == .usage)
    let users = (0..<17).flatMap { ["--basic-auth", "user\($0):x"] }
    #expect(throws: Never.self) { try settings(Array(users.dropLast(2))) }
    #expect(#expect(throws: UserError.self) { try settings(users) }?.exit == .usage)
    let list = (0..<65).map { "10.0.0.\($0)" }.joined(separator: ", ")
    let fault = #expect(throws: UserError.self) {
      try settings([], file: "    cidr_deny: [\(list)]\n")
    }
    #expect(fault?.exit == .configuration && fault?.code == "config-value")
  }
}
