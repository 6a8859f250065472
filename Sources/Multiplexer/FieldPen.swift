/// Writes big-endian integers and text one behind the other into memory that is known to be large
/// enough; past its end it traps, for the size was ours.
struct FieldPen {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  @inline(__always)
  mutating func put<T: FixedWidthInteger>(_ integer: T) {
    memory.storeBytes(of: integer.bigEndian, toByteOffset: count, as: T.self)
    count &+= MemoryLayout<T>.size
  }

  @inline(__always)
  mutating func put(_ id: WireID) {
    put(id.high)
    put(id.low)
  }

  /// The first `length` bytes of a text.
  mutating func put(_ text: String, _ length: Int) {
    var text = text
    text.withUTF8 { utf8 in
      precondition(length <= utf8.count && length <= memory.count &- count)
      guard let from = utf8.baseAddress, let to = memory.baseAddress else { return }
      to.advanced(by: count).copyMemory(from: from, byteCount: length)
    }
    count &+= length
  }
}
