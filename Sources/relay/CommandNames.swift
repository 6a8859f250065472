import ArgumentParser
import TunnelCore

/// The words that commands have. ArgumentParser takes a mistyped command for an unexpected value;
/// a person wants to hear which command was probably meant.
enum CommandNames {
  /// Throws a `UserError` if the first word, or the second one in a group, is no command.
  static func check(_ arguments: [String]) throws(UserError) {
    var type: any ParsableCommand.Type = RelayCommand.self
    var path = ["relay"]
    for word in arguments {
      let commands = type.configuration.subcommands
      guard !commands.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
      guard let next = commands.first(where: { name(of: $0) == word }) else {
        throw unknown(word, path: path, among: commands.map(name(of:)))
      }
      type = next
      path.append(word)
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
