import Glibc
import TunnelCore

/// Reads a secret from a person or a pipe, never from the command line.
package enum SecretPrompt {
  /// The first line of stdin. Throws `usage` if there is none.
  package static func standardInput() throws(UserError) -> String {
    guard let line = readLine(), !line.firstLine.isEmpty else {
      throw CommandGrammar.usage("no authtoken came on stdin")
    }
    return line.firstLine
  }

  /// Asks on the terminal without showing what is typed. Throws `usage` where there is no one.
  package static func ask(_ question: String) throws(UserError) -> String {
    guard isatty(STDIN_FILENO) == 1 else {
      throw CommandGrammar.usage(
        "there is no terminal to ask for the authtoken", fix: "pipe it in with --token-stdin")
    }
    var before = termios()
    tcgetattr(STDIN_FILENO, &before)
    var silent = before
    // Signals off too: Ctrl-C would end the process with the terminal still silent.
    silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
    defer {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
      write(STDERR_FILENO, "\n", 1)
    }
    write(STDERR_FILENO, question, question.utf8.count)
    return try keys()
  }

  /// What is typed until Return; Ctrl-C gives up with exit 130.
  private static func keys() throws(UserError) -> String {
    var typed: [UInt8] = []
    var key: UInt8 = 0
    while read(STDIN_FILENO, &key, 1) == 1 {
      switch key {
      case 3:
        throw UserError(
          code: "usage", message: "given up", fix: "start again, or use --token-stdin",
          exit: .interrupted)
      case 4, 10, 13: return String(decoding: typed, as: UTF8.self)
      case 8, 127: _ = typed.popLast()
      default: typed.append(key)
      }
    }
    return String(decoding: typed, as: UTF8.self)
  }
}
