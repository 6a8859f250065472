import TunnelAgent
import TunnelCore

/// From a command line to an exit code: parse, build, run, and say what went wrong in one shape.
struct EntryPoint {
  let arguments: [String]
  let environment: [String: String]
  let directory: String
  /// Set in a process that `--detach` started.
  let herald: Herald?

  init(arguments: [String], environment: [String: String], directory: String) {
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    herald = environment[Detached.variable].flatMap(Int32.init).map(Herald.init)
  }

  func run() async -> Int32 {
    do {
      switch try CommandGrammar.parse(arguments) {
      case .nothing: plain.line(HelpText.nextStep(try MergedSettings(.init(), places)))
      case .version: plain.line("tunnel \(Release.version)")
      case .help(nil): plain.line(HelpText.tunnel)
      case .help(.some(let command)): return try await perform([command.rawValue, "--help"])
      case .command(let command, let rest): return try await perform([command.rawValue] + rest)
      case .tunnel(let request): return try await serve(request)
      }
      return ExitCode.ok.rawValue
    } catch let error as UserError {
      (startsTunnel ? loud : plain).show(error)
      herald?.tell(.error(error))
      return error.exit.rawValue
    } catch {
      plain.show(.error(code: "internal", message: "\(error)", fix: nil))
      return ExitCode.other.rawValue
    }
  }

  private func serve(_ request: TunnelRequest) async throws -> Int32 {
    let output = try OutputSettings(request)
    let terminal = Terminal(output, environment: environment)
    let logger = try terminal.logger(output.log)
    let merged = try MergedSettings(request, places)
    var random = SystemRandomNumberGenerator()
    let settings = try AgentSettings(
      merged, InstallID(environment: environment, using: &random))
    if request.isOn("--detach"), herald == nil {
      let detached = try Detached(
        arguments: arguments, environment: environment, settings)
      return try detached.run(json: output.json, terminal)
    }
    return try await AgentRun.serve(settings, terminal, logger, herald)
  }

  private func perform(_ words: [String]) async throws -> Int32 {
    let context = CommandContext(places: places, terminal: plain)
    return try await CommandWords.perform(words, context)
  }

  private var places: SettingsPlaces {
    SettingsPlaces(environment: environment, directory: directory)
  }

  /// Where results of commands and their errors go, whatever `--json` means for them.
  private var plain: Terminal {
    Terminal(OutputSettings(), environment: environment)
  }

  /// Where the errors of a tunnel go, also those met before its flags were understood.
  private var loud: Terminal {
    var output = OutputSettings()
    output.json = arguments.contains("--json")
    return Terminal(output, environment: environment)
  }

  private var startsTunnel: Bool {
    guard let first = arguments.first else { return false }
    return Invocation.Command(rawValue: first) == nil
  }
}
