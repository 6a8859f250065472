import TunnelCore

/// An event as lines for a person.
enum EventLines {
  static func of(_ event: AgentEvent, style: OutputStyle) -> [String] {
    switch event {
    case .request(let report):
      var lines = RequestLines()
      lines.add(report, colors: style.colorsOut)
      return [String(decoding: lines.buffer.bytes.dropLast(), as: UTF8.self)]
    case .connection(let report):
      return [report.line(colors: style.colorsOut)]
    case .ready(let url, let upstream, _):
      return [
        "tunnel \(Release.version)",
        "Forwarding  \(VisibleText.of(url)) -> \(VisibleText.of(upstream))",
      ]
    case .reconnecting(let reason, let retry):
      let wait = retry == 0 ? "trying now" : "next try in \(seconds(retry)) s"
      return [tint(.yellow, "reconnecting (\(VisibleText.of(reason))), \(wait)", style)]
    case .online:
      return [tint(.green, "online", style)]
    case .standby(let owner, let since):
      let owner = VisibleText.of(owner)
      return [tint(.yellow, "standby: \(owner) serves since \(ClockText.local(since))", style)]
    case .replaced(let newer):
      return [tint(.yellow, "replaced by \(VisibleText.of(newer))", style)]
    case .claimed(let domain):
      return ["Claimed     \(VisibleText.of(domain))"]
    case .warning(let message):
      return [Paint.yellow.on("warning:", if: style.colorsError) + " " + VisibleText.of(message)]
    case .error(let code, let message, let fix):
      return error(code, message, fix, colors: style.colorsError)
    }
  }

  /// `error[code]: message`, then `  fix: …` and what follows it; four lines at most.
  static func error(_ code: String, _ message: String, _ fix: String?, colors: Bool) -> [String] {
    let head = Paint.red.on("error[\(code)]:", if: colors) + " " + VisibleText.of(message)
    let fixes = (fix ?? "").split(separator: "\n").prefix(UserError.lineLimit - 1)
    return [head]
      + fixes.enumerated().map { index, line in
        (index == 0 ? "  fix: " : "       ") + VisibleText.of(line)
      }
  }

  private static func tint(_ paint: Paint, _ text: String, _ style: OutputStyle) -> String {
    paint.on(text, if: style.colorsOut)
  }

  /// Seconds with one digit where it tells something: `2`, `1.5`, `0.3`.
  static func seconds(_ milliseconds: UInt64) -> String {
    let tenths = milliseconds / 100 + (milliseconds % 100 >= 50 ? 1 : 0)
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
