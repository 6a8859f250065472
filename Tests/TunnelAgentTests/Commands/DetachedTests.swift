import Glibc
import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("detached")
struct DetachedTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// A shell in an agent's place, with the pipe as descriptor 3.
  private func detached(_ script: String) -> Detached {
    Detached(
      program: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/bin:/usr/bin"],
      log: "\(scratch.path)/state/tunnel.log")
  }

  private func run(_ detached: Detached, json: Bool = false) throws -> (code: Int32, said: String) {
    let pipe = try Pipe()
    let writer = LineWriter(pipe.input)
    let code = try detached.run(
      json: json, Terminal(style: .init(), output: writer, errors: writer), listen: { _ in nil })
    return (code, pipe.drain())
  }

  /// The process that was started, from the line about it.
  private func pid(_ said: String) throws -> pid_t {
    try #require(said.split(separator: " ").dropFirst().first.flatMap { pid_t($0) })
  }

  private static let ready = #"echo '{"event":"ready"}' >&3; exec 3>&-; "#

  @Test("ready: its number and its log, and it lives on in a session of its own")
  func ready() throws {
    let (code, said) = try run(
      detached("echo out; echo err >&2; " + Self.ready + "read x <&0; cat"))
    #expect(code == 0)
    let pid = try pid(said)
    #expect(said == "pid \(pid)  log \(scratch.path)/state/tunnel.log\n")
    #expect(getsid(pid) == pid)
    waitpid(pid, nil, 0)
    #expect(try scratch.text("state/tunnel.log") == "out\nerr\n")
  }

  @Test("waiting for another agent is ready too; with --json it is an object")
  func standby() throws {
    let (code, said) = try run(
      detached(
        #"echo '{"event":"reconnecting","reason":"x"}{"event":"standby"}' | sed 's/}{/}\n{/' >&3"#),
      json: true)
    #expect(code == 0 && said.hasPrefix(#"{"event":"detached","pid":"#))
  }

  @Test("an agent that ends before: its error and its code")
  func ended() throws {
    let said = #"{"event":"error","code":"domain-taken","message":"no","fix":"ask"}"#
    #expect(
      throws: UserError(code: "domain-taken", message: "no", fix: "ask", exit: .taken)
    ) { try run(detached("echo '\(said)' >&3; exit 73")) }
  }

  @Test("an agent that ends without a word: the code, and where its log is")
  func silent() throws {
    #expect {
      try run(detached("kill -9 $$"))
    } throws: { error in
      let error = error as? UserError
      return error?.code == "internal" && error?.exit == .other
        && error?.message.contains("137") == true && error?.fix?.contains("tunnel.log") == true
    }
    #expect(try run(detached("exit 0")).code == 0)
  }

  @Test("an agent that is not ready in time is ended, and what it waited for is said")
  func late() throws {
    var late = detached(
      #"echo $$; echo '{"event":"reconnecting","reason":"no route"}' >&3; exec sleep 60"#)
    late.readyTimeoutMilliseconds = 300
    #expect {
      try run(late)
    } throws: { error in
      let error = error as? UserError
      return error?.code == "not-ready" && error?.exit == .temporary
        && error?.message.contains("no route") == true
    }
    let pid = try #require(pid_t(try scratch.text("state/tunnel.log").firstLine))
    #expect(kill(pid, 0) != 0)
  }

  @Test("what the starting process had open stays with it")
  func inherited() throws {
    let low = Glibc.open("/dev/null", O_RDONLY)
    defer { close(low) }
    // Beyond what a shell uses itself.
    let open = fcntl(low, F_DUPFD, 100)
    defer { close(open) }
    try #require(open >= 100)
    let (_, said) = try run(detached("ls /proc/$$/fd; " + Self.ready))
    waitpid(try pid(said), nil, 0)
    let numbers = try scratch.text("state/tunnel.log").split(separator: "\n").compactMap { Int($0) }
    #expect(Set(numbers).isSuperset(of: 0...3) && !numbers.contains(Int(open)))
  }

  @Test("a log that has grown too long is put aside")
  func long() throws {
    try scratch.put("state/tunnel.log", "twelve bytes")
    var long = detached(Self.ready)
    long.logLimit = 11
    waitpid(try pid(try run(long).said), nil, 0)
    #expect(try scratch.text("state/tunnel.log.old") == "twelve bytes")
    #expect(try scratch.text("state/tunnel.log").isEmpty)
  }

  @Test("every word but the one that was heeded goes along")
  func words() {
    let words = ["http", "--detach", "3000", "--detach=true", "--", "--detach"]
    #expect(Detached.kept(words) == ["http", "3000", "--", "--detach"])
  }
}
