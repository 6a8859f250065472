import Glibc
import Logging
import Synchronization
import TunnelCore

/// The agent's two outputs. The banner, request lines and states go to stdout; errors, warnings
/// and logs to stderr. With `--json` every event is one object on stdout and stderr holds logs
/// alone. Safe from any thread.
package final class Terminal: Sendable {
  package let style: OutputStyle
  package let output: LineWriter
  package let errors: LineWriter
  private let lines = Mutex(RequestLines())

  package init(style: OutputStyle, output: LineWriter, errors: LineWriter) {
    self.style = style
    self.output = output
    self.errors = errors
  }

  /// The process's own stdout and stderr.
  package convenience init(_ settings: OutputSettings, environment: [String: String]) {
    var style = OutputStyle()
    style.json = settings.json
    style.quiet = settings.quiet
    let colors = { (file: Int32) in
      settings.color.colors(isTerminal: isatty(file) == 1, environment: environment)
    }
    style.colorsOut = colors(STDOUT_FILENO)
    style.colorsError = colors(STDERR_FILENO)
    self.init(
      style: style, output: LineWriter(STDOUT_FILENO), errors: LineWriter(STDERR_FILENO))
  }

  /// The log that the settings ask for. Throws 78 `config-file` if its file cannot be opened.
  package func logger(_ settings: LogSettings) throws(UserError) -> Logger {
    var writer: LineWriter?
    switch settings.place {
    case .stdout: writer = output
    case .stderr: writer = errors
    case .off: break
    case .file(let path):
      writer = LineWriter(appendingTo: path)
      guard writer != nil else {
        throw UserError(
          code: "config-file",
          message: "the log file \(path) cannot be opened: \(String(cString: strerror(errno)))",
          fix: nil, exit: .configuration)
      }
    }
    return Logger(label: "tunnel") { _ in AgentLog(settings, writer: writer) }
  }

  /// What happened in one turn, in order: neighbouring request lines leave together.
  package func show(_ events: [AgentEvent]) {
    lines.withLock { lines in
      for event in events {
        if case .request(let report) = event {
          if style.quiet { continue }
          if style.json {
            lines.addJSON(report)
          } else {
            lines.add(report, colors: style.colorsOut)
          }
        } else {
          write(&lines)
          show(event)
        }
      }
      write(&lines)
    }
  }

  private func write(_ lines: inout RequestLines) {
    output.write(lines.buffer.bytes)
    lines.removeAll()
  }

  package func show(_ event: AgentEvent) {
    if style.quiet && event.isChatter { return }
    guard !style.json else { return output.write(EventJSON.of(event).line) }
    let writer = event.isTrouble ? errors : output
    for line in EventLines.of(event, style: style) { writer.write(line) }
  }

  package func show(_ error: UserError) {
    show(.error(error))
  }

  /// A plain line of a command's result on stdout. It must hold nothing from the network unescaped.
  package func line(_ text: String) {
    output.write(text)
  }

  package func line(_ object: JSONText) {
    output.write(object.line)
  }
}

extension AgentEvent {
  /// What `-q` leaves out.
  fileprivate var isChatter: Bool {
    switch self {
    case .ready, .request, .connection: true
    default: false
    }
  }

  fileprivate var isTrouble: Bool {
    switch self {
    case .warning, .error: true
    default: false
    }
  }
}
