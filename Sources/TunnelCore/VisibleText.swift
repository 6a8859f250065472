/// Text that a terminal shows and never obeys, and that stays on one line of a log (product.md,
/// section 3): for whatever came from the network or was typed.
///
/// C0 and C1 controls, DEL and bytes that are no UTF-8 become `\xNN`; characters that nobody sees,
/// that turn the direction of text or that break a line become `\u{…}`. All else stays as it is.
package enum VisibleText {
  package static func of(_ bytes: ArraySlice<UInt8>) -> String {
    if isPlain(bytes) { return String(decoding: bytes, as: UTF8.self) }
    var shown = ""
    each(of: bytes) { scalar, raw in
      guard let scalar else {
        for byte in raw { shown += hex(byte) }
        return
      }
      append(scalar, to: &shown)
    }
    return shown
  }

  /// Whether bytes are shown as they are: nearly every path and reason is plain ASCII.
  package static func isPlain(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.allSatisfy { 0x20 <= $0 && $0 < 0x7f }
  }

  package static func of(_ bytes: [UInt8]) -> String {
    of(bytes[...])
  }

  package static func of(_ text: some StringProtocol) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return String(text) }
    var shown = ""
    for scalar in text.unicodeScalars { append(scalar, to: &shown) }
    return shown
  }

  /// Whether a scalar must not reach a terminal as it is: a control, a line's end, or a format
  /// character, among them the ones that turn the direction of text.
  package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7f }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  /// Walks bytes as UTF-8: a scalar, or nil with the bytes that form none.
  private static func each(
    of bytes: ArraySlice<UInt8>, _ body: (Unicode.Scalar?, ArraySlice<UInt8>) -> Void
  ) {
    var rest = bytes
    while !rest.isEmpty {
      let length = UTF8Length.of(rest)
      let piece = rest.prefix(max(1, length))
      body(length > 0 ? String(decoding: piece, as: UTF8.self).unicodeScalars.first : nil, piece)
      rest = rest.dropFirst(piece.count)
    }
  }

  private static func append(_ scalar: Unicode.Scalar, to shown: inout String) {
    if !isHidden(scalar) {
      shown.unicodeScalars.append(scalar)
    } else if scalar.value < 0xa0 {
      shown += hex(UInt8(scalar.value))
    } else {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    }
  }

  private static func hex(_ byte: UInt8) -> String {
    "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}

/// How many bytes the well-formed UTF-8 sequence at the start takes; 0 if there is none
/// (RFC 3629 section 4: no overlong forms, no surrogates, nothing past U+10FFFF).
private enum UTF8Length {
  static func of(_ bytes: ArraySlice<UInt8>) -> Int {
    guard let first = bytes.first else { return 0 }
    let length: Int
    switch first {
    case 0..<0x80: return 1
    case 0xc2..<0xe0: length = 2
    case 0xe0..<0xf0: length = 3
    case 0xf0..<0xf5: length = 4
    default: return 0
    }
    let piece = bytes.prefix(length)
    return String(validating: piece, as: UTF8.self) == nil ? 0 : length
  }
}
