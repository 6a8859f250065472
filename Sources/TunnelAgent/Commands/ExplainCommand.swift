import TunnelCore

/// `tunnel explain [CODE]`: what an error means and what to do, without a network.
package enum ExplainCommand {
  /// Throws `usage` for a code that does not exist, with the nearest one.
  package static func run(
    _ code: String?, json: Bool, _ terminal: Terminal
  ) throws(UserError) {
    guard let code else { return list(json: json, terminal) }
    guard let entry = ErrorCatalogue.entry(bare(code)) else {
      let codes = ErrorCatalogue.entries.map(\.code)
      throw CommandGrammar.usage(
        "no error has the code `\(VisibleText.of(code))`",
        fix: Nearest.match(code, in: codes).map { "did you mean `tunnel explain \($0)`?" }
          ?? "`tunnel explain` lists all")
    }
    guard !json else { return terminal.line(object(entry)) }
    terminal.line("\(entry.code): \(entry.title)")
    terminal.line("  \(entry.meaning)")
    terminal.line("  fix: \(entry.fix)")
    let facts = [
      entry.status.map { "HTTP status \($0)" }, entry.exit.map { "exit code \($0)" },
    ].compactMap(\.self)
    if !facts.isEmpty { terminal.line("  \(facts.joined(separator: ", "))") }
  }

  /// What people paste: `error[domain-taken]:` as well as `domain-taken`.
  private static func bare(_ code: String) -> String {
    guard let open = code.firstIndex(of: "["), let close = code.lastIndex(of: "]"), open < close
    else { return code }
    return String(code[code.index(after: open)..<close])
  }

  private static func list(json: Bool, _ terminal: Terminal) {
    let width = ErrorCatalogue.entries.map(\.code.count).max() ?? 0
    for entry in ErrorCatalogue.entries {
      if json {
        terminal.line(object(entry))
      } else {
        let padding = String(repeating: " ", count: width - entry.code.count)
        terminal.line("\(entry.code)\(padding)  \(entry.title)")
      }
    }
  }

  private static func object(_ entry: ErrorEntry) -> JSONText {
    var members: [(key: String, value: JSONText)] = [
      ("code", .string(entry.code)), ("title", .string(entry.title)),
      ("meaning", .string(entry.meaning)), ("fix", .string(entry.fix)),
    ]
    if let status = entry.status { members.append(("status", JSONText(status))) }
    if let exit = entry.exit { members.append(("exit", JSONText(exit))) }
    return .object(members)
  }
}
