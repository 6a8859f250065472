import ArgumentParser
import TunnelAgent
import TunnelCore

/// What a command needs of the world.
struct CommandContext {
  let places: SettingsPlaces
  let terminal: Terminal

  /// The settings without a tunnel's flags.
  func merged(_ options: RelayOptions) throws -> MergedSettings {
    var request = options.way.request
    request.add("--config", options.config)
    request.add("--relay", options.relay)
    if options.plainHttp { request.add("--plain-http", "true") }
    return try MergedSettings(request, places)
  }

  func api(_ options: RelayOptions) throws -> RelayAPI {
    let merged = try merged(options)
    for warning in merged.warnings { terminal.show(.warning(warning)) }
    return RelayAPI(
      merged.relay.value, try merged.requireAuthtoken().value,
      exchange: OneShot.exchange(merged.way))
  }
}

/// One command: its flags are ArgumentParser's, its work is `TunnelAgent`'s.
protocol AgentCommand: ParsableCommand {
  func perform(_ context: CommandContext) async throws
}

/// A command whose answer is also its exit code.
protocol AskingCommand: ParsableCommand {
  func answer(_ context: CommandContext) async throws -> Int32
}

/// Parses a command's own words and runs it. The parser's errors become ours: exit 2, one shape.
enum CommandWords {
  static func perform(_ words: [String], _ context: CommandContext) async throws -> Int32 {
    try refuseStranger(words)
    do {
      var command = try RootCommand.parseAsRoot(words)
      switch command {
      case let command as any AgentCommand: try await command.perform(context)
      case let command as any AskingCommand: return try await command.answer(context)
      default: try command.run()  // help, which ends as an error of the parser's
      }
    } catch let error as UserError {
      throw error
    } catch {
      try explain(error, words[0], context)
    }
    return 0
  }

  /// A mistyped word below `config` or `domains` is named here, where the nearest is known.
  private static func refuseStranger(_ words: [String]) throws {
    guard let group = RootCommand.groups[words[0]], words.count > 1, !words[1].hasPrefix("-"),
      !group.contains(words[1])
    else { return }
    let nearest = Nearest.match(words[1], in: group)
    throw CommandGrammar.usage(
      "unknown command `tunnel \(words[0]) \(VisibleText.of(words[1]))`",
      fix: nearest.map { "did you mean `tunnel \(words[0]) \($0)`?" }
        ?? "one of \(group.joined(separator: ", "))")
  }

  /// Prints help that was asked for; throws anything else as `usage`.
  private static func explain(
    _ error: any Error, _ command: String, _ context: CommandContext
  ) throws {
    guard !RootCommand.exitCode(for: error).isSuccess else {
      context.terminal.line(RootCommand.fullMessage(for: error))
      return
    }
    let said = RootCommand.message(for: error)
    var line = said.split(separator: "\n").first.map(String.init) ?? "wrong arguments"
    line = line.prefix(1).lowercased() + line.dropFirst()
    if let guess = line.firstRange(of: ". Did you mean ") {
      throw CommandGrammar.usage(
        String(line[..<guess.lowerBound]),
        fix: "did you mean " + line[guess.upperBound...].filter { $0 != "'" })
    }
    throw CommandGrammar.usage(line, fix: "`tunnel \(command) --help` shows how")
  }
}
