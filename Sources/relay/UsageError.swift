import TunnelCore

/// Puts ArgumentParser's complaint into our shape: what is wrong, then where to read on.
enum UsageError {
  static func from(_ message: String, _ arguments: [String]) -> UserError {
    let first = message.split(separator: "\n").first.map(String.init) ?? message
    let text = first.hasSuffix(".") ? String(first.dropLast()) : first
    return value(
      text.prefix(1).lowercased() + text.dropFirst(),
      fix: "`\(CommandNames.path(of: arguments)) --help` shows what it takes")
  }

  static func value(_ message: String, fix: String) -> UserError {
    UserError(code: "usage", message: message, fix: fix)
  }
}
