import SessionLink
import TunnelCore

/// The policies of an endpoint as a person wrote them. Passwords leave this machine as hashes only.
package struct PolicySettings: Sendable {
  /// A setting that was made, for `tunnel config show`: passwords are masked.
  struct Said: Sendable, Equatable {
    let word: PolicyWord
    let texts: [String]
    let source: SettingSource
  }

  private var policies = Policies()
  private var credentials: [BasicCredentials] = []
  private var rewritesHost = false
  private(set) var said: [Said] = []

  package init() {}

  /// Throws `usage` (2) for a flag, `config-value` (78) for a file.
  init(
    _ request: TunnelRequest, file: [PolicyWord: [Sourced<String>]] = [:]
  ) throws(UserError) {
    for word in PolicyWord.allCases {
      let flags = request.values(word.flag).map { Sourced($0.value, .flag(word.flag)) }
      let given = flags.isEmpty ? file[word] ?? [] : flags
      guard let first = given.first else { continue }
      var texts: [String] = []
      for text in word.mayRepeat ? given : given.suffix(1) {
        let read = try text.read { text throws(ValueFault) in
          try ValueFault.of { () throws(PolicyFault) in try take(word, text) }
        }
        texts.append(read.value)
      }
      said.append(Said(word: word, texts: texts, source: first.source))
    }
    guard let last = said.last else { return }
    // As long as what will be declared; of an upstream's name the longest there is.
    var lines = try declared { _ in PasswordHash.nothing }.lines
    if rewritesHost { lines.append(String(repeating: "x", count: DomainName.lengthLimit + 16)) }
    _ = try Sourced("", last.source).read { _ throws(ValueFault) in
      try ValueFault.of { () throws(PolicyFault) in try Policies.checkSize(lines) }
    }
  }

  /// Answers what may be shown of it.
  private mutating func take(_ word: PolicyWord, _ text: String) throws(PolicyFault) -> String {
    switch word {
    case .basicAuth:
      let typed = try BasicCredentials(typed: text)
      guard credentials.count < Policies.mostPasswords else {
        throw PolicyFault("at most \(Policies.mostPasswords) users can be named")
      }
      credentials.append(typed)
      return "\(typed)"
    case .cidrAllow: policies.addresses.allow.append(try AddressRule.block(text))
    case .cidrDeny: policies.addresses.deny.append(try AddressRule.block(text))
    case .rateLimit: policies.rate = try RateLimit(text)
    case .requestHeaderAdd: policies.request.added.append(try FieldEdits.Line(text))
    case .requestHeaderRemove: policies.request.removed.append(try FieldEdits.name(text))
    case .responseHeaderAdd: policies.response.added.append(try FieldEdits.Line(text))
    case .responseHeaderRemove: policies.response.removed.append(try FieldEdits.name(text))
    case .hostHeader:
      rewritesHost = text == "rewrite"
      policies.host = rewritesHost || text == "preserve" ? nil : try HostValue(text)
    }
    return text
  }

  var warnings: [String] {
    credentials.contains(where: \.isShort)
      ? ["--basic-auth: a password of fewer than 8 characters is soon guessed"] : []
  }

  /// What the relay is told, each time the same. Hashing takes a moment for each password.
  package func lines(for upstream: UpstreamTarget) throws(UserError) -> [String] {
    let salt = PasswordHash.salt()
    var all = try declared { try? PasswordHash(of: $0, salt: salt) }
    if rewritesHost {
      all.host = try Sourced(upstream.authority, .flag(PolicyWord.hostHeader.flag))
        .read { text throws(ValueFault) in
          try ValueFault.of { () throws(PolicyFault) in try HostValue(text) }
        }.value
    }
    return all.lines
  }

  private func declared(
    _ hash: (BasicCredentials) -> PasswordHash?
  ) throws(UserError) -> Policies {
    var all = policies
    for credentials in credentials {
      guard let hash = hash(credentials) else {
        throw UserError(code: "internal", message: "a password could not be hashed")
      }
      all.passwords.append(hash)
    }
    return all
  }
}

extension ValueFault {
  fileprivate static func of<Value>(
    _ body: () throws(PolicyFault) -> Value
  ) throws(ValueFault) -> Value {
    do throws(PolicyFault) {
      return try body()
    } catch {
      throw ValueFault(error.message, fix: error.fix)
    }
  }
}

extension PasswordHash {
  fileprivate static let nothing = PasswordHash(
    salt: Array(repeating: 0, count: saltLength), digest: Array(repeating: 0, count: digestLength))
}

extension UpstreamTarget {
  /// As a browser that asks the app directly says it in Host.
  fileprivate var authority: String { port == 80 ? host : "\(host):\(port)" }
}
