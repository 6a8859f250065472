/// A user name and a password that may come in, as the relay knows them: salted and hashed on the
/// agent's machine. What is hashed is `user:password`, so that the name is not kept either.
/// Decision 0008 says why it is this hash.
package struct PasswordHash: Sendable, Equatable, CustomStringConvertible {
  /// PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2).
  package static let rounds = 100_000
  package static let saltLength = 16
  package static let digestLength = 32
  private static let scheme = "pbkdf2-sha256-\(rounds)"

  package let salt: [UInt8]
  package let digest: [UInt8]

  /// Nil unless both have their lengths.
  package init?(salt: [UInt8], digest: [UInt8]) {
    guard salt.count == Self.saltLength, digest.count == Self.digestLength else { return nil }
    self.salt = salt
    self.digest = digest
  }

  /// Reads `pbkdf2-sha256-100000 SALT DIGEST`, both in Base64.
  package init(_ text: String) throws(PolicyFault) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == Self.scheme,
      let salt = Base64.decode(parts[1].utf8), let digest = Base64.decode(parts[2].utf8),
      let hash = PasswordHash(salt: salt, digest: digest)
    else {
      throw PolicyFault(
        "a password's hash is none that this relay knows",
        fix: "install the agent's version that fits the relay")
    }
    self = hash
  }

  package var description: String {
    "\(Self.scheme) \(Base64.encode(salt)) \(Base64.encode(digest))"
  }
}
