/// One JSON object (RFC 8259) built by hand, in the order of its keys, on one line.
///
/// Always valid UTF-8: bytes that are none become U+FFFD. Controls and characters that turn or
/// break a line are escaped, so that a line stays a line in a terminal too.
package struct JSONText: Sendable {
  private var body = ""

  package init() {}

  package var text: String { "{" + body + "}" }

  package mutating func add(_ key: String, _ value: String) {
    begin(key)
    body += JSONText.quoted(value)
  }

  package mutating func add(_ key: String, bytes: ArraySlice<UInt8>) {
    begin(key)
    if bytes.allSatisfy(JSONText.isPlain) {
      body += "\"\(String(decoding: bytes, as: UTF8.self))\""
      return
    }
    body += "\""
    VisibleText.each(of: bytes) { scalar, _ in
      JSONText.append(scalar ?? "\u{fffd}", to: &body)
    }
    body += "\""
  }

  package mutating func add(_ key: String, _ value: some BinaryInteger) {
    begin(key)
    body += String(value)
  }

  package mutating func add(_ key: String, _ value: Bool) {
    begin(key)
    body += value ? "true" : "false"
  }

  package mutating func add(_ key: String, _ value: JSONText) {
    begin(key)
    body += value.text
  }

  package mutating func add(_ key: String, _ values: [String]) {
    begin(key)
    body += "[" + values.map(JSONText.quoted).joined(separator: ",") + "]"
  }

  package mutating func addNull(_ key: String) {
    begin(key)
    body += "null"
  }

  package static func quoted(_ text: String) -> String {
    if text.utf8.allSatisfy(isPlain) { return "\"\(text)\"" }
    var quoted = "\""
    for scalar in text.unicodeScalars { append(scalar, to: &quoted) }
    return quoted + "\""
  }

  /// Needs no escape: ASCII but for controls, the quote and the backslash.
  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x20..<0x7f).contains(byte) && byte != 0x22 && byte != 0x5c
  }

  private mutating func begin(_ key: String) {
    if !body.isEmpty { body += "," }
    body += JSONText.quoted(key) + ":"
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
    switch scalar {
    case "\"": text += "\\\""
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    case _ where VisibleText.isHidden(scalar):
      let digits = String(scalar.value, radix: 16)
      text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    default: text.unicodeScalars.append(scalar)
    }
  }
}
