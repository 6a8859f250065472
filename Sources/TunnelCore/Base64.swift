/// Base64 with padding (RFC 4648, section 4), for the short values of HTTP heads.
package enum Base64 {
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    var bits = 0
    var held = 0
    for byte in bytes {
      bits = bits << 8 | Int(byte)
      held += 8
      while held >= 6 {
        held -= 6
        out.append(digits[bits >> held & 63])
      }
      bits &= (1 << held) - 1
    }
    if held > 0 { out.append(digits[bits << (6 - held) & 63]) }
    while out.count % 4 != 0 { out.append(UInt8(ascii: "=")) }
    return String(decoding: out, as: UTF8.self)
  }
}
