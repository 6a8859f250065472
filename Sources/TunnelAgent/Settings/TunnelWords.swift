import TunnelCore

/// The words of a command line that starts a tunnel: flags, a target, and `http` anywhere.
struct TunnelWords {
  private var words: ArraySlice<String>
  private var request = TunnelRequest()

  static func parse(_ arguments: [String]) throws(UserError) -> Invocation {
    let said = arguments.prefix { $0 != "--" }
    if said.contains("--help") || said.contains("-h") { return .help(nil) }
    if said.contains("--version") { return .version }
    var words = TunnelWords(words: arguments[...])
    try words.read()
    return .tunnel(words.request)
  }

  private mutating func read() throws(UserError) {
    while let word = words.popFirst() {
      if word == "--" {
        request.targets += words
        return
      }
      if word.hasPrefix("-") && word != "-" {
        try flag(word)
      } else if CommandGrammar.looksLikeTarget(word) {
        request.targets.append(word)
      } else if word == "http" {
        request.isHTTP = true
      } else if word == "tcp" {
        request.isTCP = true
      } else {
        throw stranger(word)
      }
    }
  }

  private mutating func flag(_ word: String) throws(UserError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let spelled = String(parts[0])
    guard let flag = TunnelFlag.named(spelled) else { throw unknownFlag(spelled) }
    guard flag.state == .works else { throw CommandGrammar.notYet(flag.name) }
    let attached = parts.count == 2 ? String(parts[1]) : nil
    let value: String
    if flag.value == nil {
      value = attached ?? "true"
      guard ["true", "false"].contains(value) else {
        throw CommandGrammar.usage("\(flag.name) takes no value, or true or false")
      }
    } else if let attached {
      value = attached
    } else if let next = words.first, !(next.hasPrefix("-") && next.count > 1) {
      value = next
      words.removeFirst()
    } else {
      throw missing(flag)
    }
    guard !value.isEmpty else { throw missing(flag) }
    request.flags.append(.init(name: flag.name, value: value))
  }

  private func missing(_ flag: TunnelFlag) -> UserError {
    CommandGrammar.usage("\(flag.name) needs a value: \(flag.name) \(flag.value ?? "")")
  }

  private func unknownFlag(_ spelled: String) -> UserError {
    if spelled == "--authtoken" {
      return CommandGrammar.usage(
        "a token on a command line can be read by everybody on this machine",
        fix: "`tunnel login RELAY-URL` once, or TUNNEL_AUTHTOKEN, or TUNNEL_AUTHTOKEN_FILE")
    }
    let bare = String(spelled.drop { $0 == "-" })
    let known = TunnelFlag.all.map { String($0.name.dropFirst(2)) }
    let nearest = Nearest.match(bare, in: known)
    return CommandGrammar.usage(
      "unknown flag `\(VisibleText.of(spelled))`",
      fix: nearest.map { "did you mean --\($0)?" } ?? "`tunnel --help` shows all flags")
  }

  /// A word that is neither flag nor target: a command too late, or a slip of the finger.
  private func stranger(_ word: String) -> UserError {
    let known = CommandGrammar.commands + CommandGrammar.laterCommands
    if known.contains(word) {
      return CommandGrammar.usage(
        "`\(word)` is a command and comes first", fix: "`tunnel \(word) …`")
    }
    return CommandGrammar.usage(
      "`\(VisibleText.of(word))` is no target",
      fix: "a target is a port or an address of the app: `3000`, `localhost:3000`")
  }
}
