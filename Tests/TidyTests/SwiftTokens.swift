/// The operators of a Swift file, without those in comments and strings: as much of the language's
/// grammar as the rules of these tests need. A string's interpolations count as string.
struct SwiftTokens {
  struct Operator {
    let line: Int
    let text: String
    /// Whether something stands right before, and right behind it.
    let bindsLeft: Bool
    let bindsRight: Bool

    /// `a!`, `try!`, `as!`, `T!`.
    var forces: Bool { bindsLeft && text.hasPrefix("!") && !text.hasPrefix("!=") }

    /// A sum or a product, wrapping or not.
    var sums: Bool {
      mayOverflow || text.hasPrefix("&") && "+-*".contains(text.dropFirst().first ?? " ")
    }

    /// `+`, `-`, `*` between two things, with `=` or without: a prefix minus is none.
    var mayOverflow: Bool {
      ["+", "-", "*", "+=", "-=", "*="].contains(text) && (bindsLeft || !bindsRight)
    }
  }

  private(set) var operators: [Operator] = []
  /// Lines that carry `// bounded: why`, or stand behind a line that is nothing but that.
  private(set) var bounded: Set<Int> = []

  private let characters: [Character]
  private var index = 0
  private var line = 1
  private var lineHasCode = false

  init(_ text: String) {
    characters = Array(text)
    while index < characters.count { step() }
  }

  private subscript(offset: Int) -> Character {
    let place = index + offset
    return place >= 0 && place < characters.count ? characters[place] : "\n"
  }

  private func starts(_ text: String) -> Bool {
    text.enumerated().allSatisfy { self[$0.offset] == $0.element }
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where index < characters.count {
      if characters[index] == "\n" {
        line += 1
        lineHasCode = false
      }
      index += 1
    }
  }

  private mutating func step() {
    if starts("//") { return takeComment() }
    if starts("/*") { return takeBlock() }
    if self[0] == "\"" || (self[0] == "#" && isRawString) { return takeString() }
    let character = self[0]
    if !character.isWhitespace { lineHasCode = true }
    if Self.isOperator(character) { return takeOperator() }
    advance()
  }

  private mutating func takeComment() {
    var text = ""
    let standsAlone = !lineHasCode
    while index < characters.count, self[0] != "\n" {
      text.append(self[0])
      advance()
    }
    guard let mark = text.firstRange(of: "// bounded: ") else { return }
    let reason = text[mark.upperBound...].drop(while: \.isWhitespace)
    if !reason.isEmpty { bounded.insert(standsAlone ? line + 1 : line) }
  }

  private mutating func takeBlock() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        advance(2)
      } else if starts("*/") {
        depth -= 1
        advance(2)
      } else {
        advance()
      }
    } while depth > 0 && index < characters.count
  }

  private var isRawString: Bool {
    var offset = 0
    while self[offset] == "#" { offset += 1 }
    return self[offset] == "\""
  }

  private mutating func takeString() {
    var hashes = ""
    while self[0] == "#" {
      hashes += "#"
      advance()
    }
    lineHasCode = true
    let quotes = starts("\"\"\"") ? "\"\"\"" : "\""
    advance(quotes.count)
    while index < characters.count, !starts(quotes + hashes) {
      if quotes.count == 1, self[0] == "\n" { return }
      if starts("\\" + hashes) { advance(1 + hashes.count) }
      advance()
    }
    advance(quotes.count + hashes.count)
  }

  private static func isOperator(_ character: Character) -> Bool {
    "+-*/<>=!&|^~%?.".contains(character)
  }

  private mutating func takeOperator() {
    let before = self[-1]
    var text = ""
    while Self.isOperator(self[0]), !starts("//"), !starts("/*") {
      text.append(self[0])
      advance()
    }
    let bindsLeft = index > text.count && !before.isWhitespace && !"([{,;:".contains(before)
    let bindsRight = !self[0].isWhitespace && !")]},;:".contains(self[0])
    operators.append(
      Operator(line: line, text: text, bindsLeft: bindsLeft, bindsRight: bindsRight))
  }
}
