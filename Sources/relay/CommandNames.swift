import ArgumentParser
import TunnelCore

/// The words that commands have. ArgumentParser takes a mistyped command for an unexpected value;
/// a person wants to hear which command was probably meant.
enum CommandNames {
  /// Throws a `UserError` for a word that is no command where one has to be, and for a flag that
  /// the command does not have.
  static func check(_ arguments: [String]) throws(UserError) {
    var type: any ParsableCommand.Type = RelayCommand.self
    var path = ["relay"]
    for word in arguments {
      let commands = type.configuration.subcommands
      guard word != "help" else { return }
      guard !commands.isEmpty, !word.hasPrefix("-") else { break }
      guard let next = commands.first(where: { name(of: $0) == word }) else {
        throw unknown(word, path: path, among: commands.map(name(of:)))
      }
      type = next
      path.append(word)
    }
    try checkFlags(arguments, of: type, path: path)
  }

  /// ArgumentParser complains of a missing flag before it looks at the mistyped one beside it.
  private static func checkFlags(
    _ arguments: [String], of type: any ParsableCommand.Type, path: [String]
  ) throws(UserError) {
    // The usage line leaves the flags out where there are many.
    let help = RelayCommand.helpMessage(for: type)
    let words = help.split { !$0.isLetter && !$0.isNumber && $0 != "-" }.map(String.init)
    let known = words.filter { $0.hasPrefix("--") } + ["--help", "--version"]
    for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
      let flag = argument.prefix { $0 != "=" }
      guard !known.contains(String(flag)) else { continue }
      let more = "`\(path.joined(separator: " ")) --help` shows what it takes"
      let meant = Nearest.match(String(flag), in: known).map { "did you mean `\($0)`? " } ?? ""
      throw UserError(code: "usage", message: "unknown flag `\(flag)`", fix: meant + more)
    }
  }

  /// The command that the words name, as far as they do: `relay token add`.
  static func path(of arguments: [String]) -> String {
    var type: any ParsableCommand.Type = RelayCommand.self
    var path = ["relay"]
    for word in arguments {
      guard let next = type.configuration.subcommands.first(where: { name(of: $0) == word })
      else { break }
      type = next
      path.append(word)
    }
    return path.joined(separator: " ")
  }

  private static func name(of type: any ParsableCommand.Type) -> String {
    type.configuration.commandName ?? ""
  }

  private static func unknown(
    _ word: String, path: [String], among names: [String]
  ) -> UserError {
    let command = path.joined(separator: " ")
    let fix =
      Nearest.match(word, in: names).map { "did you mean `\(command) \($0)`?" }
      ?? "the commands are \(names.joined(separator: ", ")); `\(command) --help` explains them"
    return UserError(
      code: "usage", message: "unknown command `\(word)` of `\(command)`", fix: fix)
  }
}
