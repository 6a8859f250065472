// Writes docs/errors.md out of the catalogue; `./dev docs` compiles it together with TunnelCore.

@main
enum ErrorsPage {
  static func main() {
    print(head)
    section("What the relay answers in place of the app", ErrorCatalogue.refusals)
    section("What the agent says", ErrorCatalogue.agentEntries)
    section("What both say of a TCP port", ErrorCatalogue.tcpEntries)
    section("What the relay says to its operator", ErrorCatalogue.relayEntries)
  }

  static let head = """
    # Errors

    Every code that you can meet, as `tunnel explain CODE` says it too. On the command line an error is

        error[domain-taken]: mine.example belongs to another account
          fix: claim a name of your own with `tunnel domains claim NAME`

    and an answer of the relay's own carries the code in its `Tunnel-Error` field and in its body, \
    JSON or a small page. An answer without that field came from the app.

    This page is made by `./dev docs`; its words stand in `Sources/TunnelCore/ErrorCatalogue*.swift`.
    """

  static func section(_ title: String, _ entries: [ErrorEntry]) {
    print("\n## \(title)")
    for entry in entries {
      print("\n### \(entry.code)\n")
      let numbers = [entry.status.map { "HTTP \($0)" }, entry.exit.map { "exit code \($0)" }]
      let known = numbers.compactMap { $0 }.joined(separator: ", ")
      print("**\(entry.title)**" + (known.isEmpty ? "" : " (\(known))") + ". \(entry.meaning)")
      print("\nFix: \(entry.fix).".replacingDots)
    }
  }
}

extension String {
  /// One full stop or question mark at the end, not two.
  var replacingDots: String {
    var text = self
    while text.hasSuffix("..") || text.hasSuffix("?.") { text.removeLast() }
    return text
  }
}
