@preconcurrency import Glibc
import RelayServer

/// What this process was started with.
enum Surroundings {
  static var program: Program {
    let arguments = CommandLine.arguments
    let called = arguments.first ?? "relay"
    var environment: [String] = []
    var next = environ
    while let line = next.pointee {
      environment.append(String(cString: line))
      next += 1
    }
    return Program(
      path: Program.path(called: called, search: DataPath.environment("PATH")) ?? called,
      arguments: arguments, environment: environment)
  }
}
