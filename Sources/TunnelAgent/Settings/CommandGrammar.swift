import TunnelCore

/// What a command line means.
package enum Invocation: Sendable, Equatable {
  /// `tunnel` and no more.
  case nothing
  case tunnel(TunnelRequest)
  /// A command and what follows it.
  case command(Command, [String])
  /// Help for a command, or for a tunnel.
  case help(Command?)
  case version

  package enum Command: String, CaseIterable, Sendable {
    case login, config, domains, status, take, explain, completion, version
  }
}

/// Reads a command line: a command comes first, the word `http` may stand anywhere, flags take
/// their value after `=` or a blank. Throws `UserError` with code `usage` and exit 2.
package enum CommandGrammar {
  static let laterCommands = [
    "run", "start", "requests", "replay", "wait", "send", "inbox", "doctor",
  ]
  static let commands = Invocation.Command.allCases.map(\.rawValue)

  /// `arguments` without the program's own name.
  package static func parse(_ arguments: [String]) throws(UserError) -> Invocation {
    guard let first = arguments.first else { return .nothing }
    if first.hasPrefix("-") || first == "http" || first == "tcp" || looksLikeTarget(first) {
      return try TunnelWords.parse(arguments)
    }
    let rest = Array(arguments.dropFirst())
    if first == "help" { return .help(rest.first.flatMap(Invocation.Command.init(rawValue:))) }
    if let command = Invocation.Command(rawValue: first) { return .command(command, rest) }
    if laterCommands.contains(first) { throw notYet("`tunnel \(first)`") }
    throw unknown(first)
  }

  /// A number, `localhost`, or anything with a colon or dot.
  static func looksLikeTarget(_ word: String) -> Bool {
    word == "localhost" || word.contains(":") || word.contains(".")
      || (!word.isEmpty && word.utf8.allSatisfy { (0x30...0x39).contains($0) })
  }

  static func unknown(_ word: String) -> UserError {
    let shown = VisibleText.of(word)
    if let nearest = Nearest.match(word, in: commands + laterCommands + ["http", "tcp", "help"]) {
      return usage("unknown command `\(shown)`", fix: "did you mean `tunnel \(nearest)`?")
    }
    return usage(
      "unknown command `\(shown)`",
      fix: "`tunnel 3000` starts a tunnel; commands: \(commands.joined(separator: ", "))")
  }

  static func notYet(_ what: String) -> UserError {
    usage("\(what) is not in this version yet", fix: "`tunnel --help` shows what is")
  }

  package static func usage(_ message: String, fix: String? = nil) -> UserError {
    UserError(code: "usage", message: message, fix: fix, exit: .usage)
  }
}
