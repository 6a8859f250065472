/// The cyclic redundancy check of IEEE 802.3 (polynomial 0xEDB88320, reflected), bit by bit: it
/// runs over 34 bytes once a login, so no table is worth its lines.
enum CRC32 {
  static func of(_ bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = .max
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 {
        remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xedb8_8320 : remainder >> 1
      }
    }
    return ~remainder
  }
}
