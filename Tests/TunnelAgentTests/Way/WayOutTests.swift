import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("the way out, its settings")
struct WayOutTests {
  private let scratch: Scratch
  private let token: String

  init() throws {
    scratch = try Scratch()
    var random = SystemRandomNumberGenerator()
    token = Authtoken.random(using: &random).reveal()
    try scratch.put("work/.git/HEAD", "")
  }

  private func merged(
    _ line: String, _ environment: [String: String] = [:]
  ) throws -> MergedSettings {
    guard case .tunnel(let request) = try CommandGrammar.parse(words(line)) else {
      throw CommandGrammar.usage("no tunnel")
    }
    let all = environment.merging(["HOME": "\(scratch.path)/home"]) { first, _ in first }
    return try MergedSettings(
      request, .init(environment: all, directory: "\(scratch.path)/work"))
  }

  /// A certificate out of the system's own store.
  private var pem: String {
    get throws {
      let all = try SmallFile.read("/etc/ssl/certs/ca-certificates.crt").text
      let end = "-----END CERTIFICATE-----\n"
      return String(all[..<(try #require(all.firstRange(of: end)).upperBound)])
    }
  }

  @Test("the transport: flag, file, default; any other word is a fault")
  func transport() throws {
    #expect(try merged("1").way.transport == Sourced(.auto, .preset("the default")))
    let file = try scratch.put("work/tunnel.yml", "agent:\n  transport: websocket\n")
    #expect(try merged("1").way.transport == Sourced(.websocket, .file(file, line: 2)))
    #expect(try merged("1 --transport raw").way.transport.value == .raw)
    let bad = #expect(throws: UserError.self) { try merged("1 --transport quic") }
    #expect(bad?.message == "--transport: `quic` is none of auto, raw, websocket")
    #expect(bad?.exit == .usage)
  }

  @Test("authorities: the flag in place of the file, the environment beside them")
  func authorities() throws {
    let pem = try pem
    try scratch.put("work/ca.pem", pem)
    let other = try scratch.put("other.pem", pem)
    let file = try scratch.put("work/tunnel.yml", "agent: {relay: t.test, ca: ca.pem}\n")
    let own = Sourced("\(scratch.path)/work/ca.pem", SettingSource.file(file, line: 1))
    #expect(try merged("1").way.authorities == [own])
    #expect(try merged("1 --ca \(other)").way.authorities == [Sourced(other, .flag("--ca"))])
    let environment = ["SSL_CERT_FILE": other, "SSL_CERT_DIR": scratch.path]
    #expect(
      try merged("1", environment).way.authorities == [
        own, Sourced(other, .environment("SSL_CERT_FILE")),
        Sourced(scratch.path, .environment("SSL_CERT_DIR")),
      ])
    // Without TLS the environment's do not matter, not even a wrong one.
    let plain = try merged("1 --relay http://localhost", ["SSL_CERT_FILE": "/nonexistent"])
    #expect(plain.way.authorities == [own])
  }

  @Test("a file that is missing or no certificate is 2 as a flag, 78 elsewhere, by its path")
  func badFiles() throws {
    let text = try scratch.put("text.pem", "hello\n")
    let flag = #expect(throws: UserError.self) { try merged("1 --ca /nonexistent.pem") }
    #expect(flag?.code == "ca-file")
    #expect(flag?.exit == .usage)
    #expect(flag?.message == "--ca: /nonexistent.pem cannot be read: No such file or directory")
    let environment = #expect(throws: UserError.self) {
      try merged("1 --relay t.test", ["SSL_CERT_FILE": text])
    }
    #expect(environment?.exit == .configuration)
    #expect(
      environment?.message
        == "SSL_CERT_FILE: \(text) holds no certificate in PEM form, or a broken one")
    let file = try scratch.put("work/tunnel.yml", "agent: {ca: /nonexistent.pem}\n")
    let inFile = #expect(throws: UserError.self) { try merged("1") }
    #expect(inFile?.exit == .configuration)
    #expect(inFile?.message.hasPrefix("\(file):1: /nonexistent.pem cannot be read") == true)
  }

  @Test("a project's file does not add an authority for a token that is kept elsewhere")
  func strayAuthority() throws {
    try scratch.put("work/ca.pem", try pem)
    try scratch.put("home/.config/tunnel/tunnel.yml", "agent: {authtoken: \(token)}\n")
    let project = try scratch.put("work/tunnel.yml", "agent: {ca: ca.pem}\n")
    let error = #expect(throws: UserError.self) { try merged("1") }
    #expect(error?.exit == .configuration)
    #expect(error?.message.hasPrefix("\(project):1: this file adds an authority") == true)
    #expect(try merged("1", ["TUNNEL_AUTHTOKEN": token]).way.authorities.count == 1)
  }

  @Test("login takes the user's file, not the project's")
  func login() throws {
    try scratch.put("work/tunnel.yml", "agent: {ca: /nonexistent.pem}\n")
    let ca = try scratch.put("ca.pem", try pem)
    try scratch.put("home/.config/tunnel/tunnel.yml", "agent: {ca: \(ca)}\n")
    let places = SettingsPlaces(
      environment: ["HOME": "\(scratch.path)/home"], directory: "\(scratch.path)/work")
    let way = try WayOut.login(RelayAddress("t.test"), .init(), places)
    #expect(way.authorities.map(\.value) == [ca])
    _ = try way.dialer()
  }
}
