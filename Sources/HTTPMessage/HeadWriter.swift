/// Writes an edited head, run by run, into memory whose size was asked for before.
struct HeadWriter {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var length = 0

  init(_ memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  @inline(__always)
  mutating func copy(_ source: Span<UInt8>, _ start: Int, _ end: Int) {
    precondition(start >= 0 && end <= source.count)
    guard start < end else { return }
    source.withUnsafeBytes { bytes in
      append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  @inline(__always)
  mutating func copy(_ source: Span<UInt8>, _ range: ByteRange) {
    copy(source, range.start, range.end)
  }

  mutating func put(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func put(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  @inline(__always)
  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    // The bound that the caller asked for covers every head, so this is about our own arithmetic.
    precondition(bytes.count <= memory.count &- length, "the edit's bound is wrong")
    guard let to = memory.baseAddress, let from = bytes.baseAddress else { return }
    // bounded: by the line above but one
    (to + length).copyMemory(from: from, byteCount: bytes.count)
    length &+= bytes.count
  }
}
