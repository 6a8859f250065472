@preconcurrency import Glibc

// A reader that leaves must not end the process by signal: lines learn of it by EPIPE.
signal(SIGPIPE, SIG_IGN)

let code = await EntryPoint(
  arguments: Array(CommandLine.arguments.dropFirst()), environment: Surroundings.environment,
  directory: Surroundings.directory
).run()
exit(code)
