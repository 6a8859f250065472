import Glibc
import Synchronization
import Testing
import TunnelCore

@testable import TunnelAgent

/// What a terminal wrote to its two outputs.
func written(_ style: OutputStyle = .init(), _ events: AgentEvent...) throws -> [String] {
  try written(style, events)
}

func written(_ style: OutputStyle, _ events: [AgentEvent]) throws -> [String] {
  let out = try Pipe()
  let err = try Pipe()
  let terminal = Terminal(
    style: style, output: LineWriter(out.input), errors: LineWriter(err.input))
  terminal.show(events)
  return [out.drain(), err.drain()]
}

/// A pipe whose ends never wait.
final class Pipe {
  let output: Int32
  let input: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    for end in ends { try #require(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
    (output, input) = (ends[0], ends[1])
  }

  deinit {
    close(output)
    close(input)
  }

  func drain() -> String {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while case let count = read(output, &piece, piece.count), count > 0 { all += piece[..<count] }
    return String(decoding: all, as: UTF8.self)
  }
}

@Suite("the terminal", .serialized)
struct TerminalTests {
  private let json: OutputStyle = {
    var style = OutputStyle()
    style.json = true
    return style
  }()

  init() {
    setenv("TZ", "UTC", 1)
    tzset()
  }

  private func report(
    _ method: String = "POST", _ path: String = "/api/users/webhook?secret=1",
    _ status: Int = 200, _ reason: String = "OK", code: String? = nil
  ) -> RequestReport {
    report(method, Array(path.utf8), status, reason, code: code)
  }

  private func report(
    _ method: String, _ path: [UInt8], _ status: Int, _ reason: String, code: String? = nil
  ) -> RequestReport {
    var report = RequestReport(id: ID(high: 1, low: 2), receivedAt: 1_795_255_933_388)
    let head = Array(method.utf8) + path
    head.withUnsafeBytes { bytes in
      report.asked(bytes, method: 0..<method.utf8.count, target: method.utf8.count..<bytes.count)
    }
    Array(reason.utf8).withUnsafeBytes { report.answered(status, $0) }
    report.milliseconds = 12
    report.code = code
    return report
  }

  @Test("the banner is two lines on stdout")
  func banner() throws {
    let said = try written(
      .init(),
      .ready(
        url: "https://mine.example", upstream: "http://localhost:3000", domain: "mine.example"))
    let line = "Forwarding  https://mine.example -> http://localhost:3000\n"
    #expect(said == ["tunnel 0.1.0\n" + line, ""])
  }

  @Test("request lines pad the method, hide the query and keep the app's words")
  func requests() throws {
    let said = try written(
      .init(), .request(report()),
      .request(report("GET", "/_next/static/chunks/main.js", 304, "Not Modified")),
      .request(report("POST", "/api/hello", 502, "Bad Gateway", code: "upstream-refused")),
      .request(report("OPTIONS", "*", 204, "")))
    #expect(
      said[0] == """
        10:12:13.388 POST /api/users/webhook 200 OK 12ms
        10:12:13.388 GET  /_next/static/chunks/main.js 304 Not Modified 12ms
        10:12:13.388 POST /api/hello 502 upstream-refused 12ms
        10:12:13.388 OPTIONS * 204 12ms

        """)
  }

  @Test("control characters, bidi marks and broken UTF-8 are shown, not obeyed")
  func escapes() throws {
    let odd = report(
      "GET", Array("/a\u{1b}]0;x\u{07}".utf8) + [0xff, 0xc3, 0x28] + Array("ü".utf8), 200,
      "\u{1b}[31mRed\u{7f}\u{9b}\u{202e}é\r\n")
    let said = try written(.init(), .request(odd))[0]
    let path = "/a\\x1b]0;x\\x07\\xff\\xc3(ü"
    let reason = "\\x1b[31mRed\\x7f\\x9b\\u{202e}é\\x0d\\x0a"
    #expect(said == "10:12:13.388 GET  \(path) 200 \(reason) 12ms\n")
  }

  @Test("--json writes one valid object a line")
  func jsonRequest() throws {
    let odd = report(
      "GET", Array("/\"\\\u{01}\u{202e}".utf8) + [0xff] + Array("?q".utf8), 502, "no",
      code: "session-lost")
    let said = try written(json, .request(odd), .online)
    let id = "00000000-0000-0001-0000-000000000002"
    let head = #"{"event":"request","id":"\#(id)","time":"2026-11-21T10:12:13.388Z","#
    let tail = #""status":502,"ms":12,"code":"session-lost"}"#
    let path = "\"path\":\"/\\\"\\\\\\u0001\\u202e\u{fffd}\","
    #expect(
      said[0] == head + #""method":"GET","# + path + tail + "\n" + #"{"event":"online"}"# + "\n")
  }

  @Test("away, back, standby, replaced, claimed")
  func states() throws {
    let events: [AgentEvent] = [
      .reconnecting(reason: "connection closed", retryMilliseconds: 2000),
      .reconnecting(reason: "after sleep", retryMilliseconds: 0), .online,
      .standby(owner: "ann@macbook", since: 1_795_255_933_388), .replaced(by: "ann@macbook"),
      .claimed(domain: "b.t.example"),
    ]
    var human: [String] = []
    var machine: [String] = []
    for event in events {
      human.append(try written(.init(), event)[0])
      machine.append(try written(json, event)[0])
    }
    #expect(
      human == [
        "reconnecting (connection closed), next try in 2 s\n",
        "reconnecting (after sleep), trying now\n", "online\n",
        "standby: ann@macbook serves since 10:12:13.388\n", "replaced by ann@macbook\n",
        "Claimed     b.t.example\n",
      ])
    #expect(
      machine
        == [
          #"{"event":"reconnecting","reason":"connection closed","retry_ms":2000}"#,
          #"{"event":"reconnecting","reason":"after sleep","retry_ms":0}"#, #"{"event":"online"}"#,
          #"{"event":"standby","served_by":"ann@macbook","since":"2026-11-21T10:12:13.388Z"}"#,
          #"{"event":"replaced","by":"ann@macbook"}"#,
          #"{"event":"claimed","domain":"b.t.example"}"#,
        ].map { $0 + "\n" })
  }

  @Test("errors and warnings go to stderr, with --json errors are events")
  func errors() throws {
    let error = AgentEvent.error(code: "domain-taken", message: "taken", fix: "claim")
    let said = try written(.init(), error, .warning("nothing listens on 3000"))
    #expect(
      said == [
        "", "error[domain-taken]: taken\n  fix: claim\nwarning: nothing listens on 3000\n",
      ])
    let object = #"{"event":"error","code":"domain-taken","message":"taken","fix":"claim"}"#
    #expect(try written(json, error) == [object + "\n", ""])
  }

  @Test("-q leaves out banner and request lines only")
  func quiet() throws {
    var style = OutputStyle()
    style.quiet = true
    let said = try written(
      style, .ready(url: "u", upstream: "v", domain: "d"), .request(report()), .online)
    #expect(said == ["online\n", ""])
  }

  @Test("a burst of request lines keeps its order, whole, with other lines in their places")
  func burst() throws {
    var events: [AgentEvent] = []
    for number in 0..<500 {
      events.append(.request(report("GET", "/page/\(number)")))
      if number == 250 { events.append(.online) }
    }
    let lines = try written(.init(), events)[0].split(separator: "\n")
    #expect(lines.count == 501)
    #expect(lines[250].hasSuffix("GET  /page/250 200 OK 12ms") && lines[251] == "online")
    #expect(lines[500].hasSuffix("GET  /page/499 200 OK 12ms"))
  }

  @Test("colours wrap the time and the outcome")
  func colors() {
    var colored = OutputStyle()
    colored.colorsOut = true
    let line = EventLines.of(.request(report()), style: colored)[0]
    let time = "\u{1b}[2m10:12:13.388\u{1b}[0m"
    #expect(line == "\(time) POST /api/users/webhook \u{1b}[32m200 OK\u{1b}[0m 12ms")
  }

  @Test(
    "when to colour",
    arguments: [
      (ColorChoice.auto, true, [:], true), (.auto, false, [:], false),
      (.auto, true, ["NO_COLOR": "1"], false), (.auto, true, ["NO_COLOR": ""], true),
      (.auto, false, ["FORCE_COLOR": "1"], true), (.auto, true, ["FORCE_COLOR": "0"], false),
      (.auto, true, ["NO_COLOR": "1", "FORCE_COLOR": "1"], false),
      (.auto, true, ["TERM": "dumb"], false), (.always, false, ["NO_COLOR": "1"], true),
      (.never, true, ["FORCE_COLOR": "1"], false),
    ] as [(ColorChoice, Bool, [String: String], Bool)])
  func choice(choice: ColorChoice, tty: Bool, environment: [String: String], colors: Bool) {
    #expect(choice.colors(isTerminal: tty, environment: environment) == colors)
  }

  @Test("a line longer than a pipe holds arrives whole")
  func longLine() async throws {
    let pipe = try Pipe()
    let long = String(repeating: "x", count: 300_000)
    let writer = LineWriter(pipe.input)
    async let wrote: Void = Task.detached { writer.write(long) }.value
    var got = ""
    while !got.hasSuffix("\n") {
      got += pipe.drain()
      await Task.yield()
    }
    await wrote
    #expect(got == long + "\n")
  }

  @Test("a reader that is gone is told once and the rest is dropped")
  func readerGone() throws {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    let told = Told()
    let writer = LineWriter(ends[1])
    writer.whenReaderGone { told.count.add(1, ordering: .relaxed) }
    writer.write("a")
    writer.write("b")
    #expect(told.count.load(ordering: .relaxed) == 1)
    writer.whenReaderGone { told.count.add(10, ordering: .relaxed) }
    #expect(told.count.load(ordering: .relaxed) == 11)
  }

  private final class Told: Sendable {
    let count = Atomic(0)
  }
}
