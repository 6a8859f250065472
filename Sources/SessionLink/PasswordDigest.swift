import Crypto
import CryptoExtras
import TunnelCore

/// The slow hash of a user name and a password (see `PasswordHash`): some 50 ms of a processor, so
/// never on an event loop that others wait for. The agent makes it, the relay compares.
extension PasswordHash {
  /// Throws what the library does, for memory that is short.
  package static func digest(_ credentials: BasicCredentials, salt: [UInt8]) throws -> [UInt8] {
    let key = try KDF.Insecure.PBKDF2.deriveKey(
      from: credentials.bytes, salt: salt, using: .sha256, outputByteCount: digestLength,
      unsafeUncheckedRounds: rounds)
    return key.withUnsafeBytes { Array($0) }
  }

  package init?(of credentials: BasicCredentials, salt: [UInt8]) throws {
    self.init(salt: salt, digest: try Self.digest(credentials, salt: salt))
  }

  package static func salt() -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    return (0..<saltLength).map { _ in random.next() }
  }
}
