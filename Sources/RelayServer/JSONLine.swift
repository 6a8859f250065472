/// One flat JSON object, written by hand: the exchange log has no time for an encoder.
/// RFC 8259; text is always valid UTF-8.
struct JSONLine {
  private var out = "{"

  var finished: String { out + "}" }

  mutating func add(_ key: StaticString, _ value: String) {
    begin(key)
    out += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }

  mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
    begin(key)
    out += "\(value)"
  }

  private mutating func begin(_ key: StaticString) {
    if out.utf8.count > 1 { out += "," }
    out += "\"\(key)\":"
  }
}
