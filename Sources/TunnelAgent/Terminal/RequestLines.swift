import TunnelCore

/// `10:12:13.388 POST /api/users/webhook 200 OK 12ms`: exchanges, a line each. Keeps its memory,
/// and the second of the clock that it read last.
struct RequestLines {
  private(set) var buffer = LineBuffer()
  private var clock = LocalClock()

  mutating func removeAll() { buffer.removeAll() }

  mutating func add(_ report: RequestReport, colors: Bool) {
    let words = report.method.count + report.path.count + report.reason.count
    buffer.write(atMost: words * Self.widest + Self.constants) { line in
      let dim = colors ? Paint.dim : nil
      dim?.begin(&line)
      clock.write(report.receivedAt, to: &line)
      dim?.end(&line)
      line.put(UInt8(ascii: " "))
      line.putVisible(report.method)
      for _ in 0..<max(0, 4 - report.method.count) { line.put(UInt8(ascii: " ")) }
      line.put(UInt8(ascii: " "))
      line.putVisible(report.path)
      line.put(UInt8(ascii: " "))
      let paint = colors ? Self.paint(report.status) : nil
      paint?.begin(&line)
      line.put(UInt64(max(0, report.status)))
      if let code = report.code {
        line.put(UInt8(ascii: " "))
        line.putText(code)
      } else if !report.reason.isEmpty {
        line.put(UInt8(ascii: " "))
        line.putVisible(report.reason)
      }
      paint?.end(&line)
      line.put(UInt8(ascii: " "))
      line.put(report.milliseconds)
      line.put("ms\n")
    }
  }

  mutating func addJSON(_ report: RequestReport) {
    buffer.write(Self.json(report).line + "\n")
  }

  static func json(_ report: RequestReport) -> JSONText {
    var members: [(key: String, value: JSONText)] = [
      ("event", "request"), ("id", .string(report.id.description)),
      ("time", .string(ClockText.utc(report.receivedAt))),
      ("method", .bytes(report.method)), ("path", .bytes(report.path)),
      ("status", JSONText(report.status)), ("ms", JSONText(report.milliseconds)),
    ]
    if let code = report.code { members.append(("code", .string(code))) }
    return .object(members)
  }

  /// `\u{10ffff}` for a character of two bytes or more, `\x00` for one.
  private static let widest = 5
  /// More than the clock, colours, numbers and a code need.
  private static let constants = 192

  private static func paint(_ status: Int) -> Paint {
    switch status {
    case ..<300: .green
    case ..<400: .cyan
    case ..<500: .yellow
    default: .red
    }
  }
}

extension LinePen {
  /// As `VisibleText` shows them.
  fileprivate mutating func putVisible(_ bytes: ArraySlice<UInt8>) {
    if VisibleText.isPlain(bytes) { put(bytes) } else { putText(VisibleText.of(bytes)) }
  }
}

extension Paint {
  fileprivate func begin(_ line: inout LinePen) {
    line.put("\u{1b}[")
    line.putText(rawValue)
    line.put("m")
  }

  fileprivate func end(_ line: inout LinePen) { line.put("\u{1b}[0m") }
}
