import Glibc

// A reader that goes away ends a write with an error, not the process with a signal.
signal(SIGPIPE, SIG_IGN)
exit(await CommandLineRun.run(Array(CommandLine.arguments.dropFirst())).rawValue)
