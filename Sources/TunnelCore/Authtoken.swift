/// The agent's credential: `tun_`, 30 random base62 characters (178 bits) and a CRC-32 of what
/// stands before, in 6 more. The checksum tells a mistyped token from a revoked one without asking
/// the relay. It prints masked, and there is no `==`: tokens are compared by their hashes.
package struct Authtoken: Sendable {
  package static let prefix = "tun_"
  static let randomLength = 30
  static let checksumLength = 6

  private let text: String

  /// A fresh token; the generator must be the system's wherever the token will be believed.
  package static func random(
    using generator: inout some RandomNumberGenerator
  ) -> Authtoken {
    var body = Array(prefix.utf8)
    for _ in 0..<randomLength {
      body.append(alphabet[Int.random(in: alphabet.indices, using: &generator)])
    }
    return Authtoken(unchecked: String(decoding: body + checksum(of: body), as: UTF8.self))
  }

  /// Reads a token as a person pastes it: white space around it is dropped.
  package init(_ text: String) throws(AuthtokenFault) {
    let bytes = Authtoken.trimmed(text)
    let prefix = Array(Authtoken.prefix.utf8)
    guard !bytes.isEmpty else { throw .empty }
    guard bytes.starts(with: prefix) else { throw .notAToken }
    guard bytes.allSatisfy({ $0 == UInt8(ascii: "_") || Authtoken.alphabet.contains($0) }) else {
      throw .mistyped
    }
    let length = prefix.count + Authtoken.randomLength
    guard bytes.count == length + Authtoken.checksumLength else { throw .wrongLength }
    guard Array(bytes[length...]) == Authtoken.checksum(of: Array(bytes[..<length])) else {
      throw .mistyped
    }
    self.text = String(decoding: bytes, as: UTF8.self)
  }

  private init(unchecked text: String) {
    self.text = text
  }

  /// The token itself. Only what hashes it, sends it or hands it to its owner may call this.
  package func reveal() -> String { text }

  private static let alphabet = Array(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

  private static func checksum(of bytes: [UInt8]) -> [UInt8] {
    var rest = CRC32.of(bytes)
    var digits: [UInt8] = []
    for _ in 0..<checksumLength {
      digits.append(alphabet[Int(rest % 62)])
      rest /= 62
    }
    return digits.reversed()
  }

  private static func trimmed(_ text: String) -> [UInt8] {
    let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0d).contains(byte) }
    let start = text.utf8.drop(while: isSpace)
    return start.reversed().drop(while: isSpace).reversed()
  }
}

extension Authtoken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "\(Authtoken.prefix)…\(text.suffix(4))" }
  package var debugDescription: String { description }
  /// Without this `dump` and string interpolation of an enclosing value would show the text.
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is no authtoken. It never holds the text: half a secret is still one.
package enum AuthtokenFault: Error, Equatable, Sendable, CustomStringConvertible {
  case empty
  case notAToken
  case wrongLength
  case mistyped

  package var description: String {
    switch self {
    case .empty: "the authtoken is empty"
    case .notAToken: "an authtoken starts with tun_"
    case .wrongLength: "the authtoken is cut off or too long"
    case .mistyped: "the authtoken is mistyped: its checksum does not match"
    }
  }
}
