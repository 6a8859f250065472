/// Memory in which lines are put together byte by byte, kept from line to line: strings put
/// together were a fifth of what an exchange cost each side (decision 0004).
package struct LineBuffer: Sendable {
  private var memory: [UInt8] = []
  package private(set) var count = 0

  package init() {}

  package var bytes: ArraySlice<UInt8> { memory[..<count] }

  package mutating func removeAll() { count = 0 }

  /// Appends what `body` writes, of which there are at most `bound` bytes.
  package mutating func write(atMost bound: Int, _ body: (inout LinePen) -> Void) {
    if memory.count - count < bound {
      memory.append(contentsOf: repeatElement(0, count: max(bound, memory.count, 4_096)))
    }
    let start = count
    count += memory.withUnsafeMutableBytes { memory in
      var pen = LinePen(UnsafeMutableRawBufferPointer(rebasing: memory[start...]))
      body(&pen)
      return pen.count
    }
  }

  package mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      write(atMost: utf8.count) { $0.put(UnsafeRawBufferPointer(utf8)) }
    }
  }
}

/// Writes into memory of a known size; past its end it traps, for the bound was ours.
package struct LinePen {
  private let memory: UnsafeMutableRawBufferPointer
  package private(set) var count = 0

  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  package mutating func put(_ byte: UInt8) {
    memory[count] = byte
    count += 1
  }

  package mutating func put(_ text: StaticString) {
    precondition(text.utf8CodeUnitCount <= memory.count - count, "the line's bound is wrong")
    memory.baseAddress?.advanced(by: count).copyMemory(
      from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    count += text.utf8CodeUnitCount
  }

  package mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let from = bytes.baseAddress, !bytes.isEmpty else { return }
    precondition(bytes.count <= memory.count - count, "the line's bound is wrong")
    memory.baseAddress?.advanced(by: count).copyMemory(from: from, byteCount: bytes.count)
    count += bytes.count
  }

  package mutating func put(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { put($0) }
  }

  /// Named apart: a literal given to `put` is to be a `StaticString`.
  package mutating func putText(_ text: String) {
    var text = text
    text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  }

  /// Decimal digits, at most 20.
  package mutating func put(_ number: UInt64) {
    withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
      var rest = number
      var place = 20
      repeat {
        place -= 1
        digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      put(UnsafeRawBufferPointer(rebasing: digits[place...]))
    }
  }

  /// The last `digits` decimal digits, with zeros in front.
  package mutating func put(_ number: UInt64, digits: Int) {
    precondition(digits <= memory.count - count, "the line's bound is wrong")
    var rest = number
    var place = count + digits
    while place > count {
      place -= 1
      memory[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count += digits
  }

  /// The 36 characters of an id.
  package mutating func put(_ id: ID) {
    precondition(memory.count - count >= ID.textLength, "the line's bound is wrong")
    id.write(to: UnsafeMutableRawBufferPointer(rebasing: memory[count...]))
    count += ID.textLength
  }

  /// A JSON string (RFC 8259 section 7), quotes included, at most six times as long and two more.
  /// Bytes that are no UTF-8 become U+FFFD.
  package mutating func putQuoted(_ all: [UInt8], _ part: Range<Int>) {
    all.withUnsafeBytes { all in
      let bytes = UnsafeRawBufferPointer(rebasing: all[part])
      if bytes.allSatisfy({ 0x20 <= $0 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }) {
        put(UInt8(ascii: "\""))
        put(bytes)
        put(UInt8(ascii: "\""))
      } else {
        putText(JSONText.bytes(Array(bytes)[...]).line)
      }
    }
  }
}
