import TunnelCore

/// Puts ArgumentParser's complaint into our shape: what is wrong, then what to do.
enum UsageError {
  private static let hint = " Did you mean "

  static func from(_ message: String, _ arguments: [String]) -> UserError {
    let first = message.split(separator: "\n").first.map(String.init) ?? message
    let help = "`\(CommandNames.path(of: arguments)) --help` shows what it takes"
    guard let cut = first.firstRange(of: hint) else {
      return UserError(code: "usage", message: plain(first), fix: help)
    }
    let meant = first[cut.upperBound...].filter { $0 != "?" && $0 != "'" }
    return UserError(
      code: "usage", message: plain(String(first[..<cut.lowerBound])),
      fix: "did you mean \(meant)? \(help)")
  }

  static func value(_ message: String, fix: String) -> UserError {
    UserError(code: "usage", message: message, fix: fix)
  }

  /// `Unknown option '--x'.` becomes `unknown option '--x'`.
  private static func plain(_ sentence: String) -> String {
    let text = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
