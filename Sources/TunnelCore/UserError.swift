/// What a command says before it ends: `error[code]: message`, then `  fix: …`; at most four lines.
/// `tunnel explain CODE` says more. What stands in the texts may come off the network: control
/// characters are escaped when it is printed.
package struct UserError: Error, Sendable, Equatable, CustomStringConvertible {
  package static let lineLimit = 4

  package var code: String
  package var message: String
  package var fix: String?
  package var exit: ExitCode

  /// What is left out is taken from the catalogue's entry for the code.
  package init(code: String, message: String, fix: String? = nil, exit: ExitCode? = nil) {
    let entry = ErrorCatalogue.entry(code)
    self.code = code
    self.message = message
    self.fix = fix ?? entry?.fix
    self.exit = exit ?? entry?.exit.flatMap(ExitCode.init(rawValue:)) ?? .other
  }

  package var description: String {
    var lines = ["error[\(code)]: \(VisibleText.of(message))"]
    let fixes = (fix ?? "").split(separator: "\n").prefix(UserError.lineLimit - 1)
    for (index, line) in fixes.enumerated() {
      lines.append((index == 0 ? "  fix: " : "       ") + VisibleText.of(line))
    }
    return lines.joined(separator: "\n")
  }
}
