import Crypto
import SessionLink
import TunnelCore

/// Credentials that were not met before: whether they are right takes a slow hash.
struct PasswordProof {
  let passwords: KnownPasswords
  let credentials: BasicCredentials
  fileprivate let mark: KnownPasswords.Mark
  /// Of whom it came.
  let place: UInt128
}

/// The passwords of one endpoint, and what was already found out about what visitors say: each
/// right one is hashed slowly once, and wrong ones that come again are known too. No password is
/// kept, but a mark of it under a key that only this value knows. Belongs to the relay's event
/// loop.
final class KnownPasswords {
  fileprivate typealias Mark = HashedAuthenticationCode<SHA256>

  /// Wrong ones that are remembered.
  static let mostWrong = 64

  private let hashes: [PasswordHash]
  /// The same for all of them.
  private let salt: [UInt8]
  private let key = SymmetricKey(size: .bits256)
  /// No more than there are hashes.
  private var right: Set<Mark> = []
  private var wrong: Set<Mark> = []
  /// The oldest first.
  private var wrongOnes: [Mark] = []
  /// Who waits for a hash that is being made.
  private var waiting: [Mark: [(Bool) -> Void]] = [:]

  init(_ hashes: [PasswordHash]) {
    self.hashes = hashes
    salt = hashes.first?.salt ?? []
  }

  /// Nil: let in. Throws `policy-basic-auth`.
  func admit(
    _ authorization: [String], from place: UInt128
  ) throws(Refusal) -> PasswordProof? {
    // Of two fields the app might believe the other one.
    guard authorization.count == 1,
      let credentials = BasicCredentials(authorization: authorization[0])
    else { throw Self.refusal("This tunnel wants a user name and a password.") }
    let mark = HMAC<SHA256>.authenticationCode(for: credentials.bytes, using: key)
    if right.contains(mark) { return nil }
    guard !wrong.contains(mark) else {
      throw Self.refusal("User name and password do not fit.")
    }
    return PasswordProof(
      passwords: self, credentials: credentials, mark: mark, place: place)
  }

  /// Finds out whether the credentials are right, so that `admit` knows; then calls `done` with
  /// true, or with false where that failed. Who says the same meanwhile waits for the same hash.
  /// Throws `overloaded`.
  func check(
    _ proof: PasswordProof, _ checks: PasswordChecks, done: @escaping (Bool) -> Void
  ) throws(Refusal) {
    let mark = proof.mark
    if waiting[mark] != nil {
      waiting[mark]?.append(done)
      return
    }
    try checks.digest(proof.credentials, salt: salt, for: proof.place) { digest in
      if let digest { self.learn(mark, isRight: self.holds(digest)) }
      for done in self.waiting.removeValue(forKey: mark) ?? [] { done(digest != nil) }
    }
    waiting[mark] = [done]
  }

  private func holds(_ digest: [UInt8]) -> Bool {
    var found = false
    for hash in hashes { found = hash.isSame(digest) || found }
    return found
  }

  private func learn(_ mark: Mark, isRight: Bool) {
    if isRight {
      right.insert(mark)
      return
    }
    guard wrong.insert(mark).inserted else { return }
    wrongOnes.append(mark)
    if wrongOnes.count > Self.mostWrong { wrong.remove(wrongOnes.removeFirst()) }
  }

  var remembered: Int { right.count + wrong.count }

  private static func refusal(_ detail: String) -> Refusal { Refusal(.policyBasicAuth, detail) }
}

extension PasswordHash {
  /// In a time that does not tell where two differ.
  fileprivate func isSame(_ other: [UInt8]) -> Bool {
    guard other.count == digest.count else { return false }
    return zip(digest, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
