/// When to colour: `--color auto|always|never`.
package enum ColorChoice: String, CaseIterable, Sendable {
  case auto, always, never

  /// The flag first, then `NO_COLOR` (any value but the empty one), `FORCE_COLOR` (but `0`), and
  /// else only a terminal that is not `dumb`.
  package func colors(isTerminal: Bool, environment: [String: String]) -> Bool {
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      if let no = environment["NO_COLOR"], !no.isEmpty { return false }
      if let force = environment["FORCE_COLOR"], !force.isEmpty { return force != "0" }
      return isTerminal && environment["TERM"] != "dumb"
    }
  }
}

/// How a `Terminal` writes what happens.
package struct OutputStyle: Sendable, Equatable {
  /// One JSON object a line on stdout, in place of everything else.
  package var json = false
  /// No banner and no request lines.
  package var quiet = false
  /// Whether stdout and stderr may be coloured.
  package var colorsOut = false
  package var colorsError = false

  package init() {}
}

/// SGR colours (ECMA-48 8.3.117).
enum Paint: String {
  case red = "31"
  case green = "32"
  case yellow = "33"
  case cyan = "36"
  case dim = "2"
  case bold = "1"

  func on(_ text: String, if colors: Bool) -> String {
    colors ? "\u{1b}[\(rawValue)m\(text)\u{1b}[0m" : text
  }
}
