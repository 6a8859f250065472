import NIOCore
import Testing

@testable import SessionLink

/// Bytes that are read piece by piece and taken from the front.
@Suite("read buffers")
struct ReadersTests {
  @Test("what was taken does not pile up, though the buffer is never empty")
  func bounded() {
    var unread = ByteBuffer(string: "x")
    let piece = ByteBuffer(repeating: 7, count: 1_000)
    for _ in 0..<10_000 {
      unread.append(piece)
      unread.moveReaderIndex(forwardBy: 1_000)
    }
    #expect(unread.readableBytes == 1 && unread.storageCapacity < 100_000)
  }

  @Test("pieces follow each other")
  func order() {
    var unread = ByteBuffer()
    for piece in ["a", "bc", "", "d"] { unread.append(ByteBuffer(string: piece)) }
    #expect(String(buffer: unread) == "abcd")
  }
}
