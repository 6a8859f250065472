import ArgumentParser
import RelayStore
import TunnelCore

/// One run of the command line: parses, runs, and turns every error into our one shape and exit
/// code. ArgumentParser's own exit (64) and texts do not get out.
enum CommandLineRun {
  static func run(_ arguments: [String]) async -> TunnelCore.ExitCode {
    do {
      try CommandNames.check(arguments)
      var command = try RelayCommand.parseAsRoot(arguments)
      if var command = command as? AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      return .ok
    } catch {
      return report(error, arguments)
    }
  }

  private static func report(
    _ error: any Error, _ arguments: [String]
  ) -> TunnelCore.ExitCode {
    switch error {
    case let error as UserError: return say(error)
    case let fault as StoreFault: return say(fault.userError)
    default: break
    }
    // Help and version are errors to ArgumentParser, and come with its code for success.
    guard RelayCommand.exitCode(for: error) != .success else {
      Output.print(RelayCommand.fullMessage(for: error))
      return .ok
    }
    return say(UsageError.from(RelayCommand.message(for: error), arguments))
  }

  private static func say(_ error: UserError) -> TunnelCore.ExitCode {
    Output.complain(error.description)
    return error.exit
  }
}
