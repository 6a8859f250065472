/// The one written form of policies, on the wire and in the relay's database: a line of text for
/// each rule, a word and its value. docs/protocol.md lists the words.
extension Policies {
  /// Lines, bytes of one line, and bytes of all with four more for each: a declaration goes in one
  /// CONTROL frame of 16 KiB, beside other fields.
  package static let mostLines = 64
  package static let longestLine = 2_048
  package static let mostBytes = 8_192
  package static let mostPasswords = 16

  private enum Word: String {
    case allow, deny, rate, password, host
    case requestAdd = "request-add"
    case requestRemove = "request-remove"
    case responseAdd = "response-add"
    case responseRemove = "response-remove"
  }

  package var lines: [String] {
    var lines: [String] = []
    func put(_ word: Word, _ value: some CustomStringConvertible) {
      lines.append("\(word.rawValue) \(value)")
    }
    for block in addresses.allow { put(.allow, block) }
    for block in addresses.deny { put(.deny, block) }
    if let rate { put(.rate, rate) }
    for password in passwords { put(.password, password) }
    for name in request.removed { put(.requestRemove, name) }
    for line in request.added { put(.requestAdd, line) }
    for name in response.removed { put(.responseRemove, name) }
    for line in response.added { put(.responseAdd, line) }
    if let host { put(.host, host) }
    return lines
  }

  /// Reads a declaration as strictly as if nobody had looked at it before. Throws for a word that
  /// is not known: a rule that cannot be kept must not be passed over.
  package init(lines: [String]) throws(PolicyFault) {
    self.init()
    try Policies.checkSize(lines)
    for line in lines {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      guard let word = Word(rawValue: String(parts[0])), parts.count == 2 else {
        throw PolicyFault(
          "the relay does not know the policy `\(VisibleText.of(String(parts[0])))`",
          fix: "leave it out, or ask the relay's operator for a newer relay")
      }
      try take(word, String(parts[1]))
    }
  }

  package static func checkSize(_ lines: [String]) throws(PolicyFault) {
    let bytes = lines.reduce(0) { $0 + $1.utf8.count + 4 }
    guard lines.count <= mostLines, bytes <= mostBytes,
      lines.allSatisfy({ $0.utf8.count <= longestLine })
    else {
      throw PolicyFault(
        "these are too many policies: at most \(mostLines), \(longestLine) bytes each, "
          + "\(mostBytes) in all")
    }
  }

  private mutating func take(_ word: Word, _ value: String) throws(PolicyFault) {
    switch word {
    case .allow: addresses.allow.append(try AddressRule.block(value))
    case .deny: addresses.deny.append(try AddressRule.block(value))
    case .rate:
      guard rate == nil else { throw PolicyFault("there are two rate limits") }
      rate = try RateLimit(value)
    case .password: try add(try PasswordHash(value))
    case .requestAdd: request.added.append(try FieldEdits.Line(value))
    case .requestRemove: request.removed.append(try FieldEdits.name(value))
    case .responseAdd: response.added.append(try FieldEdits.Line(value))
    case .responseRemove: response.removed.append(try FieldEdits.name(value))
    case .host:
      guard host == nil else { throw PolicyFault("there are two values for Host") }
      host = try HostValue(value)
    }
  }

  /// One salt for all: what a visitor says is hashed once, however many passwords there are.
  package mutating func add(_ password: PasswordHash) throws(PolicyFault) {
    guard passwords.count < Policies.mostPasswords else {
      throw PolicyFault("at most \(Policies.mostPasswords) users can be named")
    }
    guard passwords.first.map({ $0.salt == password.salt }) ?? true else {
      throw PolicyFault("the passwords of a declaration share one salt, and these do not")
    }
    passwords.append(password)
  }
}
