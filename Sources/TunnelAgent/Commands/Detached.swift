import FoundationEssentials
import Glibc
import SessionLink
import Synchronization
import TunnelCore

/// `--detach`: starts this program anew in the background and waits until it is ready. Forking is
/// out: only the calling thread would live on in the copy.
///
/// The new process has a session of its own, no stdin, and stdout and stderr in a log file. How it
/// is it says on a pipe (see `Herald`), whose end says that it has ended.
package struct Detached: Sendable {
  /// Where the new process finds the descriptor of the pipe.
  package static let variable = "TUNNEL_DETACHED"
  private static let descriptor = Spawn.first
  /// How long an agent that is told to stop may take; it needs 3 s at most.
  private static let graceMilliseconds = 5_000

  /// product.md, section 7.
  package var readyTimeoutMilliseconds = 30_000
  /// A log over this many bytes is put aside first, as `LOG.old`.
  package var logLimit = 8 << 20
  let program: String
  let arguments: [String]
  let environment: [String: String]
  let log: String

  /// `arguments` without the program's own name.
  package init(
    arguments: [String], environment: [String: String], _ settings: AgentSettings
  ) throws(UserError) {
    guard let state = settings.folders.state else {
      throw UserError(
        code: "config-file", message: "no home folder is known for the log file",
        fix: "set HOME or XDG_STATE_HOME", exit: .configuration)
    }
    let name = settings.logName
    self.init(
      program: Detached.ownProgram, arguments: Detached.kept(arguments), environment: environment,
      log: "\(state)/\(name).log")
  }

  init(program: String, arguments: [String], environment: [String: String], log: String) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.log = log
  }

  /// The words of the command line but for the one that has been heeded.
  static func kept(_ arguments: [String]) -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments[..<end].filter { $0 != "--detach" && !$0.hasPrefix("--detach=") }
      + arguments[end...]
  }

  /// By its path, so that it is still called `tunnel` in a list of processes.
  private static var ownProgram: String {
    let link = "/proc/self/exe"
    guard let path = realpath(link, nil) else { return link }
    defer { free(path) }
    return String(cString: path)
  }

  /// Returns the exit code: 0 once the agent is ready, else its own. Throws what it died of, and
  /// `not-ready`. `listen` hears SIGINT and SIGTERM: who asks this process to stop means both.
  package func run(
    json: Bool, _ terminal: Terminal,
    listen: (@escaping @Sendable () -> Void) -> StopSignals? = { StopSignals(asked: $0) }
  ) throws(UserError) -> Int32 {
    var pipe: [Int32] = [-1, -1]
    guard Glibc.pipe(&pipe) == 0 else { throw Self.fault("pipe") }
    for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(pipe[0]) }
    let pid: pid_t
    do {
      defer { close(pipe[1]) }
      pid = try start(telling: pipe[1])
    }
    let wasAsked = Atomic(false)
    let signals = listen {
      wasAsked.store(true, ordering: .relaxed)
      kill(pid, SIGTERM)
    }
    defer { withExtendedLifetime(signals) {} }
    var news = BackgroundNews(pipe[0])
    switch news.wait(milliseconds: readyTimeoutMilliseconds) {
    case .ready:
      tell(pid, json: json, terminal)
      return ExitCode.ok.rawValue
    case .ended:
      let code = Self.reap(pid)
      if wasAsked.load(ordering: .relaxed) { return ExitCode.interrupted.rawValue }
      if let error = news.error { throw error.exiting(code) }
      guard code != 0 else { return 0 }
      throw UserError(
        code: "internal", message: "the agent ended with \(code) before it was ready",
        fix: "its log: \(log)", exit: ExitCode(rawValue: code))
    case .late:
      kill(pid, SIGTERM)
      if news.wait(milliseconds: Self.graceMilliseconds) != .ended { kill(pid, SIGKILL) }
      _ = Self.reap(pid)
      let why = news.reason.map { " (\($0))" } ?? ""
      throw UserError(
        code: "not-ready",
        message: "the agent was not ready within \(readyTimeoutMilliseconds / 1_000) s\(why)",
        fix: "look at its log: \(log)")
    }
  }

  private func tell(_ pid: pid_t, json: Bool, _ terminal: Terminal) {
    guard json else { return terminal.line("pid \(pid)  log \(log)") }
    terminal.line(
      .object([("event", "detached"), ("pid", JSONText(pid)), ("log", .string(log))]))
  }

  /// Its exit code, as a shell counts a signal.
  private static func reap(_ pid: pid_t) -> Int32 {
    switch ProcessEnd(waitingFor: pid) {
    case .exited(let code): code
    case .signalled(let signal): 128 + signal
    }
  }

  private static func fault(_ what: String, _ number: Int32 = errno) -> UserError {
    UserError(
      code: "internal", message: "\(what): \(String(cString: strerror(number)))")
  }
}

// MARK: - Starting

extension Detached {
  private func start(telling pipe: Int32) throws(UserError) -> pid_t {
    let file = try openLog()
    defer { close(file) }
    var variables = environment
    variables[Self.variable] = "\(Self.descriptor)"
    do throws(SpawnFault) {
      var spawn = try Spawn(inBackground: true)
      defer { spawn.destroy() }
      spawn.write(to: file)
      // What a shell or a test left open here would never be closed there.
      try spawn.pass([pipe])
      return try spawn.run(program, [program] + arguments, variables.map { "\($0)=\($1)" })
    } catch {
      throw UserError(code: "internal", message: error.description)
    }
  }

  private func openLog() throws(UserError) -> Int32 {
    do {
      try SmallFile.makeFolder(SmallFile.folder(of: log))
    } catch {
      throw logFault(error.number)
    }
    var about = stat()
    if stat(log, &about) == 0, about.st_size > logLimit { rename(log, log + ".old") }
    let file = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw logFault(errno) }
    return file
  }

  private func logFault(_ number: Int32) -> UserError {
    UserError(
      code: "config-file",
      message: "the log file \(log) cannot be written: \(String(cString: strerror(number)))",
      fix: "set XDG_STATE_HOME to a folder of yours", exit: .configuration)
  }
}

extension UserError {
  /// The same, ending with the code that a process really had.
  fileprivate func exiting(_ code: Int32) -> UserError {
    var error = self
    error.exit = ExitCode(rawValue: code) ?? .other
    return error
  }
}
