import Logging
import SessionLink
import TunnelCore

/// Where log lines go, in which form, from which level on: `--log`, `--log-format`, `--log-level`.
package struct LogSettings: Sendable, Equatable {
  package enum Place: Sendable, Equatable {
    case stdout, stderr, off
    case file(String)
  }

  package enum Form: String, CaseIterable, Sendable {
    case text, logfmt, json
  }

  package var place = Place.stderr
  package var form = Form.text
  package var level = Logger.Level.warning

  package init() {}

  /// The levels' names: ours, and the ones that scripts for ngrok pass.
  package static let levels: [String: Logger.Level] = [
    "trace": .trace, "debug": .debug, "info": .info, "notice": .notice, "warn": .warning,
    "warning": .warning, "error": .error, "crit": .critical, "critical": .critical,
  ]
}

/// Writes log lines of the agent in the shape that ngrok's wrappers read: `t`, `lvl`, `msg`, then
/// the metadata's keys in alphabetical order.
package struct AgentLog: LogHandler {
  package var metadata = Logger.Metadata()
  package var logLevel: Logger.Level

  private let form: LogSettings.Form
  private let writer: LineWriter?
  private let clock: @Sendable () -> UInt64

  package init(
    _ settings: LogSettings, writer: LineWriter?,
    clock: @escaping @Sendable () -> UInt64 = { WallClock.milliseconds() }
  ) {
    self.logLevel = settings.level
    self.form = settings.form
    self.writer = writer
    self.clock = clock
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    guard let writer else { return }
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let pairs = all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    writer.write(line(event.level, "\(event.message)", pairs))
  }

  private func line(_ level: Logger.Level, _ message: String, _ pairs: [(String, String)]) -> String
  {
    switch form {
    case .json:
      let head: [(key: String, value: JSONText)] = [
        ("t", .string(ClockText.utc(clock()))), ("lvl", .string(AgentLog.name(level))),
        ("msg", .string(message)),
      ]
      return JSONText.object(head + pairs.map { ($0.0, .string($0.1)) }).line
    case .logfmt:
      let head = [("t", ClockText.utc(clock())), ("lvl", AgentLog.name(level))]
      let said = ["msg=" + JSONText.string(message).line]
      return (head.map(AgentLog.pair) + said + pairs.map(AgentLog.pair)).joined(separator: " ")
    case .text:
      let head = "\(ClockText.local(clock())) \(AgentLog.name(level)) \(VisibleText.of(message))"
      return ([head] + pairs.map(AgentLog.pair)).joined(separator: " ")
    }
  }

  private static func name(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "debug"
    case .info, .notice: "info"
    case .warning: "warn"
    case .error: "error"
    case .critical: "crit"
    }
  }

  /// `key=value`, quoted where a reader would else split it.
  private static func pair(_ pair: (String, String)) -> String {
    let plain = pair.1.unicodeScalars.allSatisfy {
      !VisibleText.isHidden($0) && !" =\"\\".unicodeScalars.contains($0)
    }
    return "\(pair.0)=" + (plain && !pair.1.isEmpty ? pair.1 : JSONText.string(pair.1).line)
  }
}
