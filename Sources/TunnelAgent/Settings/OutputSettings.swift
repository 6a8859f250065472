import TunnelCore

/// What the command line says about output: `--json`, `-q`, `-v`, `--color` and the log's flags.
package struct OutputSettings: Sendable, Equatable {
  package var json = false
  package var quiet = false
  package var verbose = false
  package var color = ColorChoice.auto
  package var log = LogSettings()

  package init() {}

  package init(_ request: TunnelRequest) throws(UserError) {
    json = request.isOn("--json")
    quiet = request.isOn("--quiet")
    verbose = request.isOn("--verbose")
    guard !(quiet && verbose) else {
      throw CommandGrammar.usage("--quiet and --verbose contradict each other")
    }
    if verbose { log.level = .debug }
    if quiet { log.level = .error }
    if let word = request.last("--color") { color = try word.oneOf() }
    if let word = request.last("--log-format") { log.form = try word.oneOf() }
    if let word = request.last("--log-level") {
      guard let level = LogSettings.levels[word.value.lowercased()] else {
        throw word.source.fault(
          ValueFault("`\(word.value)` is none of debug, info, warn, error"))
      }
      log.level = level
    }
    switch request.last("--log")?.value {
    case nil: break
    case "stdout": log.place = .stdout
    case "stderr": log.place = .stderr
    case "false": log.place = .off
    case .some(let path): log.place = .file(path)
    }
  }
}
