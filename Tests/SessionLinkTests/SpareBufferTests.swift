import NIOCore
import Testing

@testable import SessionLink

@Suite("spare buffer")
struct SpareBufferTests {
  @Test("the memory that was given back serves the next one")
  func passedOn() {
    let spare = SpareBuffer()
    var first = spare.take(300)
    first.writeString("a head")
    let memory = place(first)
    spare.put(first)
    first = ByteBuffer()
    var second = spare.take(200)
    #expect(second.readableBytes == 0)
    second.writeString("another")
    #expect(place(second) == memory)
  }

  @Test("who still reads a buffer keeps its bytes")
  func stillRead() {
    let spare = SpareBuffer()
    var first = spare.take(100)
    first.writeString("still needed")
    spare.put(first)
    var second = spare.take(100)
    second.writeString("overwritten?")
    #expect(String(buffer: first) == "still needed")
  }

  @Test("large memory is let go")
  func large() {
    let spare = SpareBuffer()
    spare.put(ByteBuffer(repeating: 0, count: 100_000))
    #expect(spare.take(10).storageCapacity < 100_000)
  }

  private func place(_ buffer: ByteBuffer) -> UnsafeRawPointer? {
    buffer.withUnsafeReadableBytes { $0.baseAddress }
  }
}
