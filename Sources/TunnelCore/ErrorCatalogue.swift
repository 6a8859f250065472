/// One code that a person can meet: what it means, and what to do about it. `status` is the HTTP
/// status that carries it, `exit` the exit code of a command that ends with it.
package struct ErrorEntry: Sendable, Equatable {
  package let code: String
  package let title: String
  package let meaning: String
  package let fix: String
  package let status: Int?
  package let exit: Int32?

  init(
    _ code: String, _ title: String, status: Int? = nil, exit: ExitCode? = nil,
    meaning: String, fix: String
  ) {
    self.code = code
    self.title = title
    self.meaning = meaning
    self.fix = fix
    self.status = status
    self.exit = exit?.rawValue
  }

  init(_ refusal: RefusalCode, meaning: String, fix: String) {
    code = refusal.rawValue
    title = refusal.title
    status = refusal.status
    exit = nil
    self.meaning = meaning
    self.fix = fix
  }
}

/// Every code of ours, for `tunnel explain` and docs/errors.md: a code that is printed anywhere
/// and missing here is a fault of ours.
package enum ErrorCatalogue {
  package static let entries: [ErrorEntry] = refusals + agentEntries + tcpEntries + relayEntries

  package static func entry(_ code: String) -> ErrorEntry? {
    byCode[code]
  }

  /// The entry whose code was probably meant.
  package static func nearest(_ code: String) -> ErrorEntry? {
    Nearest.match(code, in: entries.map(\.code)).flatMap(entry)
  }

  private static let byCode = Dictionary(
    entries.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
}
