/// A JSON value to be written (RFC 8259): objects keep the order of their keys, so that a person
/// who reads a line finds the important things first. It only writes; nobody reads JSON with it.
///
/// A value is always valid UTF-8 on one line, and what `VisibleText` hides is escaped: a terminal
/// that shows the line does not obey it.
package enum JSONText: Sendable, Equatable, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  case null
  case bool(Bool)
  case number(Int64)
  case string(String)
  case array([JSONText])
  case object([(key: String, value: JSONText)])

  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(nilLiteral: ()) { self = .null }

  /// A string, or null.
  package init(_ text: String?) { self = text.map(JSONText.string) ?? .null }

  /// A number; one past `Int64` becomes the nearest.
  package init(_ number: some BinaryInteger) { self = .number(Int64(clamping: number)) }

  /// A string as it came from the network: bytes that are no UTF-8 become U+FFFD.
  package static func bytes(_ bytes: ArraySlice<UInt8>) -> JSONText {
    .string(String(decoding: bytes, as: UTF8.self))
  }

  /// The value on one line, without blanks and without a newline at its end.
  package var line: String {
    var text = ""
    write(to: &text)
    return text
  }

  package static func == (left: JSONText, right: JSONText) -> Bool { left.line == right.line }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += String(value)
    case .string(let value): JSONText.write(value, to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        JSONText.write(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func write(_ value: String, to text: inout String) {
    text += "\""
    // Nearly every string is plain ASCII, and each exchange writes some.
    if value.utf8.allSatisfy(isPlain) {
      text += value
    } else {
      for scalar in value.unicodeScalars { write(scalar, to: &text) }
    }
    text += "\""
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private static func write(_ scalar: Unicode.Scalar, to text: inout String) {
    switch scalar {
    case "\"": text += "\\\""
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    case _ where VisibleText.isHidden(scalar):
      // An escape has four digits: what lies past U+FFFF is two (RFC 8259, section 7).
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    default: text.unicodeScalars.append(scalar)
    }
  }
}
