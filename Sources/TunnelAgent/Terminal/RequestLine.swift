import TunnelCore

/// `10:12:13.388 POST /api/users/webhook 200 OK 12ms`: one exchange on one line.
enum RequestLine {
  static func text(_ report: RequestReport, colors: Bool = false) -> String {
    let time = Paint.dim.on(ClockText.local(report.unixMilliseconds), if: colors)
    var method = VisibleText.of(report.method)
    method += String(repeating: " ", count: max(0, 4 - method.count))
    let path = VisibleText.of(report.pathAlone)
    return "\(time) \(method) \(path) \(outcome(report, colors: colors)) \(report.milliseconds)ms"
  }

  static func json(_ report: RequestReport) -> JSONText {
    var members: [(key: String, value: JSONText)] = [
      ("event", "request"), ("id", .string(report.id.description)),
      ("time", .string(ClockText.utc(report.unixMilliseconds))),
      ("method", .bytes(report.method[...])), ("path", .bytes(report.pathAlone)),
      ("status", JSONText(report.status)), ("ms", JSONText(report.milliseconds)),
    ]
    if let code = report.code { members.append(("code", .string(code))) }
    return .object(members)
  }

  /// The status with what explains it: the refusal's code, else the app's own words, if any.
  private static func outcome(_ report: RequestReport, colors: Bool) -> String {
    let words = report.code ?? VisibleText.of(report.reason)
    let outcome = words.isEmpty ? "\(report.status)" : "\(report.status) \(words)"
    return color(of: report.status).on(outcome, if: colors)
  }

  private static func color(of status: Int) -> Paint {
    switch status {
    case ..<300: .green
    case ..<400: .cyan
    case ..<500: .yellow
    default: .red
    }
  }
}
