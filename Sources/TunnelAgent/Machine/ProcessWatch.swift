import SessionLink

#if canImport(Glibc)
  import Glibc
#endif

/// What goes on around the process: signals, the reader of its stdout, its parent.
final class ProcessWatch {
  enum Sign: Sendable {
    /// SIGINT or SIGTERM.
    case asked
    /// Nobody is there any more: the terminal, the reader of stdout or the parent is gone.
    case alone
  }

  private var signals: StopSignals?
  /// Who started this process; 0 where that does not matter.
  private var parent: pid_t = 0
  private let watchesOutput: Bool
  private let hangsUp: Bool

  init() {
    var status = stat()
    let kind = fstat(1, &status) == 0 ? status.st_mode & S_IFMT : 0
    watchesOutput = kind == S_IFIFO || kind == S_IFSOCK || isatty(1) == 1
    var action = sigaction()
    sigaction(SIGHUP, nil, &action)
    hangsUp = action.__sigaction_handler.sa_handler.map { unsafeBitCast($0, to: Int.self) } != 1
    if watchesOutput, hangsUp, getppid() > 1 { parent = getppid() }
  }

  /// Calls `heard` for the signals; a second SIGINT or SIGTERM ends the process at once.
  func listen(_ heard: @escaping @Sendable (Sign) -> Void) {
    let signals = StopSignals { heard(.asked) }
    if hangsUp { signals.also(SIGHUP) { heard(.alone) } }
    self.signals = signals
  }

  /// Looks around; call about twice a second.
  func look() -> Sign? { outputIsGone || parentIsGone ? .alone : nil }

  /// NIO ignores SIGPIPE, so a process outlives its reader: `poll` tells.
  private var outputIsGone: Bool {
    guard watchesOutput else { return false }
    var entry = pollfd(fd: 1, events: 0, revents: 0)
    return poll(&entry, 1, 0) > 0 && CInt(entry.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
  }

  /// An orphan is given another parent, so the number changes; PR_SET_PDEATHSIG would fire when
  /// only the parent's thread ends.
  private var parentIsGone: Bool { parent > 0 && getppid() != parent }
}
