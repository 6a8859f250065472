/// What an endpoint's policies change in a head, ready to be written: made once, used for every
/// exchange. Whoever makes it has checked names and values.
///
/// A class, so that an exchange without any pays for a nil and no more.
package final class HeadEdits: Sendable {
  /// Lines that are added to one head, and their bytes: policies have no more than that in all.
  package static let mostLines = 64
  package static let mostBytes = 8_192

  /// Lower case, with `-` for `_`.
  private let removed: [[UInt8]]
  /// Whole lines with their ends.
  let added: [UInt8]
  /// In place of Host's value.
  let host: [UInt8]?
  /// Bytes that it can add to a head.
  let most: Int

  /// `added` are lines without their ends.
  package init(removed: [String], added: [String], host: String? = nil) {
    self.removed = removed.map { name in name.utf8.map(HeadEdits.folded) }
    self.added = added.flatMap { line in Array(line.utf8) + [0x0d, 0x0a] }  // bounded: by memory
    self.host = host.map { host in Array(host.utf8) }
    most = self.added.count &+ (self.host?.count ?? 0)  // bounded: by memory
  }

  /// Whether a field goes. A name with `_` for `-` goes too: apps behind CGI or WSGI read both as
  /// one, and a stranger could say in the other what is set here.
  func removes(_ name: ByteRange, _ source: Span<UInt8>) -> Bool {
    for other in removed where other.count == name.count {
      var isSame = true
      for offset in other.indices {
        // bounded: both runs have that length
        isSame = isSame && HeadEdits.folded(source[name.start &+ offset]) == other[offset]
      }
      if isSame { return true }
    }
    return false
  }

  private static func folded(_ byte: UInt8) -> UInt8 {
    byte == 0x5f ? 0x2d : Byte.lowered(byte)
  }
}
