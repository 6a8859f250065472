/// A text made safe for a terminal and for one line of a log: control characters, which could move
/// a cursor or fake a line, are written as `\u{…}` (product.md, section 3).
package struct Printable: Sendable, CustomStringConvertible {
  package let description: String

  package init(_ text: some StringProtocol) {
    var safe = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        safe += "\\u{\(String(scalar.value, radix: 16))}"
      default: safe.unicodeScalars.append(scalar)
      }
    }
    description = safe
  }
}
