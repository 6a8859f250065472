import TunnelCore

/// The agent's two outputs. The banner, request lines and states go to stdout; errors, warnings
/// and logs to stderr. With `--json` every event is one object on stdout and stderr holds logs
/// alone. Safe from any thread.
package final class Terminal: Sendable {
  package let style: OutputStyle
  package let output: LineWriter
  package let errors: LineWriter

  package init(style: OutputStyle, output: LineWriter, errors: LineWriter) {
    self.style = style
    self.output = output
    self.errors = errors
  }

  package func show(_ event: AgentEvent) {
    if style.quiet && event.isChatter { return }
    guard !style.json else { return output.write(EventJSON.of(event).text) }
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
    output.write(object.text)
  }
}

extension AgentEvent {
  /// What `-q` leaves out.
  fileprivate var isChatter: Bool {
    switch self {
    case .ready, .request: true
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
