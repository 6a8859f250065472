import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("tunnel tcp")
struct TCPChoiceTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
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

  @Test(
    "the same target in every spelling asks with the same label",
    arguments: [
      "tcp 5432", "tcp localhost:5432", "5432 tcp", "tcp :5432", "tcp tcp://localhost:5432",
      "tcp --port 5432", "tcp localhost:5432 --port 5432", "tcp LOCALHOST:5432",
    ])
  func spellings(line: String) throws {
    let settings = try merged(line, ["TUNNEL_DOMAIN": "mine.example"])
    #expect(settings.domain.value == .tcp(TCPWish(label: "localhost:5432")))
    #expect(settings.upstream?.value.description == "localhost:5432")
  }

  @Test(
    "a port, an address and a name are asked for",
    arguments: [
      ("tcp 5432 --tcp-port 20007", TCPWish(port: 20_007, label: "localhost:5432")),
      ("5432 --tcp-port 20007 --name db", TCPWish(port: 20_007, label: "db")),
      ("tcp db.local:5432 --name db", TCPWish(label: "db")),
    ])
  func wishes(line: String, wish: TCPWish) throws {
    #expect(try merged(line).domain.value == .tcp(wish))
    let host = try DomainName("tunnel.example.com")
    let url = try merged("5432 --url tcp://tunnel.example.com:20007 --tcp-port 20007")
    #expect(url.domain.value == .tcp(TCPWish(port: 20_007, host: host, label: "localhost:5432")))
  }

  @Test("an endpoint of the file is one by its address, and never taken for another's")
  func file() throws {
    try scratch.put(
      "work/tunnel.yml", "endpoints: [{name: db, url: tcp://t.example:20007, upstream: 5432}]\n")
    let host = try DomainName("t.example")
    let wish = DomainWish.tcp(TCPWish(port: 20_007, host: host, label: "db"))
    for line in ["tcp", "--name db", "--json", "tcp --name db"] {
      let settings = try merged(line)
      #expect(settings.domain.value == wish && settings.endpoint?.value == "db")
      #expect(settings.upstream?.value.description == "localhost:5432")
    }
    #expect(try merged("3000").domain.value == .first)
    #expect(try merged("3000 --subdomain shop").domain.value == .label("shop"))
    let error = #expect(throws: UserError.self) {
      try scratch.put("work/tunnel.yml", "endpoints: [{name: db, url: tcp://t.example}]\n")
      _ = try merged("tcp")
    }
    #expect(error?.exit == .configuration)
  }

  @Test(
    "what is about HTTP, or asks twice, is exit 2",
    arguments: TCPChoice.httpFlags.map { "tcp 5432 \($0)=true" } + [
      "tcp http 5432", "tcp", "tcp localhost", "tcp http://localhost:5432", "tcp 5432 5433",
      "tcp 5432 --tcp-port 0", "tcp 5432 --tcp-port 65536", "tcp 5432 --tcp-port x",
      "tcp 5432 --url mine.example", "tcp 5432 --url tcp://mine.example",
      "5432 --url tcp://t.example:1 --tcp-port 2", "tcp 5432 --domain mine.example",
      "tcp 5432 --subdomain mine", "5432 --domain tcp://t.example:20007",
    ])
  func refused(line: String) {
    let error = #expect(throws: UserError.self) { try merged(line) }
    #expect(error?.exit == .usage)
  }

  @Test("a connection's line and its object")
  func report() {
    let id = ID.random(using: &random)
    let report = ConnectionReport(
      id: id, receivedAt: 1_795_000_000_388, client: "203.0.113.9", bytesIn: 1_229,
      bytesOut: 100 << 20, milliseconds: 12, code: "client-gone")
    #expect(
      report.line(colors: false).hasSuffix(
        ".388 TCP  203.0.113.9 client-gone 1.2 KiB in 100.0 MiB out 12ms"))
    #expect(
      report.json.line.hasSuffix(
        #""client":"203.0.113.9","bytes_in":1229,"bytes_out":104857600,"ms":12,"#
          + #""code":"client-gone"}"#))
    let amounts: [(UInt64, String)] = [
      (0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (3 << 30, "3.0 GiB"),
      (5 << 40, "5.0 TiB"), (.max, "1048576.0 TiB"),
    ]
    for (count, text) in amounts { #expect(ConnectionReport.amount(count) == text) }
  }

  private var random: SystemRandomNumberGenerator {
    get { SystemRandomNumberGenerator() }
    nonmutating set {}
  }
}
