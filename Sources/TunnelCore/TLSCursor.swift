/// Numbers and length-prefixed vectors of a TLS message, read in order (RFC 8446, section 3.4).
/// Each read checks that its bytes are there; a cursor never leaves its piece.
struct TLSCursor {
  private let bytes: [UInt8]
  private var start: Int
  private let end: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    start = 0
    end = bytes.count
  }

  private init(_ bytes: [UInt8], _ start: Int, _ end: Int) {
    self.bytes = bytes
    self.start = start
    self.end = end
  }

  var count: Int { end &- start }  // bounded: `start` never passes `end`
  var isEmpty: Bool { start == end }
  var rest: ArraySlice<UInt8> { bytes[start..<end] }

  /// Of one to three bytes, the most significant first.
  mutating func number(_ octets: Int) throws(ClientHelloFault) -> Int {
    var number = 0
    for byte in try piece(octets).rest { number = number << 8 | Int(byte) }
    return number
  }

  mutating func piece(_ length: Int) throws(ClientHelloFault) -> TLSCursor {
    guard length <= count else { throw .malformed }
    let piece = TLSCursor(bytes, start, start &+ length)  // bounded: the line above
    start = start &+ length  // bounded: the same
    return piece
  }

  /// A vector behind its length of so many bytes.
  mutating func vector(_ prefix: Int) throws(ClientHelloFault) -> TLSCursor {
    try piece(number(prefix))
  }
}
