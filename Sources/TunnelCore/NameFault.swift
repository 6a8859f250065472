/// Why a text is no name for a domain. Its description says what is wrong, `fix` how to mend it.
package enum NameFault: Error, Equatable, Sendable, CustomStringConvertible {
  case empty
  case emptyLabel(String)
  case tooLong(String, limit: Int)
  case tooShort(String, limit: Int)
  case badCharacter(Character, in: String)
  case hyphenAtEdge(String)
  case numeric(String)
  /// It carries a scheme, a port or a path.
  case notBare(String)
  case reserved(String)

  package var description: String {
    switch self {
    case .empty: "the name is empty"
    case .emptyLabel(let name): "`\(VisibleText.of(name))` has nothing between two dots"
    case .tooLong(let name, let limit):
      "`\(VisibleText.of(name.prefix(40)))` is longer than \(limit) characters"
    case .tooShort(let name, let limit):
      "`\(VisibleText.of(name))` is shorter than \(limit) characters"
    case .badCharacter(let character, let name):
      "`\(VisibleText.of(name))` holds the character `\(VisibleText.of(String(character)))`"
    case .hyphenAtEdge(let label): "`\(VisibleText.of(label))` starts or ends with a hyphen"
    case .numeric(let name): "`\(VisibleText.of(name))` ends in a number, as an address does"
    case .notBare(let name): "`\(VisibleText.of(name))` is more than a host name"
    case .reserved(let name): "`\(VisibleText.of(name))` is reserved by the relay"
    }
  }

  package var fix: String {
    switch self {
    case .empty, .emptyLabel, .numeric: "give a name such as app.example.com"
    case .tooLong(_, let limit): "use at most \(limit) characters"
    case .tooShort(_, let limit): "use at least \(limit) characters"
    case .badCharacter(let character, _) where !character.isASCII:
      "use the name's ASCII form (xn--…), or only a-z, 0-9 and hyphens"
    case .badCharacter: "use only a-z, 0-9 and hyphens, with dots between labels"
    case .hyphenAtEdge: "take the hyphen at the label's start or end away"
    case .notBare: "give the host name alone: no scheme, no port, no path"
    case .reserved: "choose another name"
    }
  }
}
