import NIOCore
import Testing

@testable import RelayServer

/// Frames found in bytes of any cut, and how many that bring nothing are too many.
@Suite("frame census")
struct FrameCensusTests {
  private static func frame(
    _ type: UInt8, stream: UInt32 = 0, count: Int = 0, flags: UInt8 = 0
  ) -> ByteBuffer {
    var bytes = ByteBuffer(bytes: [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)])
    bytes.writeInteger(type)
    bytes.writeInteger(flags)
    bytes.writeInteger(stream)
    bytes.writeRepeatingByte(0xff, count: count)
    return bytes
  }

  @Test("frames are found wherever the bytes are cut, behind the preface too")
  func cuts() {
    var whole = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    for part in [
      Self.frame(4, count: 6), Self.frame(1, stream: 1, count: 70_000, flags: 4),
      Self.frame(0, stream: 0x8000_0001, count: 1, flags: 1),
    ] { whole.writeImmutableBuffer(part) }
    for size in [1, 2, 5, 9, 10, 33, 34, whole.readableBytes] {
      var walker = FrameWalker(behind: 24)
      var rest = whole
      var found: [FrameHead] = []
      while rest.readableBytes > 0 {
        var piece = rest.readSlice(length: min(size, rest.readableBytes)) ?? ByteBuffer()
        while let head = walker.next(&piece) { found.append(head) }
        #expect(piece.readableBytes == 0)
      }
      #expect(found.map(\.type) == [4, 1, 0] && found.map(\.count) == [6, 70_000, 1])
      #expect(found.map(\.stream) == [0, 1, 1] && !walker.isInside)
      #expect(found[1].endsHeaders && found[2].endsStream && found[2].isData)
    }
  }

  @Test("a frame that is not whole is inside")
  func inside() {
    var walker = FrameWalker()
    var bytes = ByteBuffer(bytes: [0, 0])
    #expect(walker.next(&bytes) == nil && walker.isInside)
    bytes = ByteBuffer(bytes: [8, 6, 0, 0, 0, 0, 0, 1])
    #expect(walker.next(&bytes)?.type == 6 && walker.next(&bytes) == nil && walker.isInside)
  }

  private func head(_ type: UInt8, count: Int = 4, flags: UInt8 = 0) -> FrameHead {
    FrameHead(type: type, flags: flags, stream: 1, count: count)
  }

  @Test(
    "of frames that bring nothing as many pass as the limit says", arguments: [7, 8, 0, 0x10, 0xfa])
  func limit(type: UInt8) {
    var census = FrameCensus(limit: 2_000, seconds: 10)
    let useless = head(type, count: type == 0 ? 0 : 4)
    for _ in 0..<2_000 { #expect(census.took(useless, at: 5) == true) }
    #expect(census.took(useless, at: 5) == false)
    // A fifth of a thousandth of the time brings one.
    #expect(census.took(useless, at: 5_000_005) == true)
  }

  @Test("data that was sent and requests justify more of them")
  func justified() {
    var census = FrameCensus(limit: 10, seconds: 10)
    for _ in 0..<100 { census.sentData() }
    for _ in 0..<25 { #expect(census.took(head(1), at: 0) == true) }
    for _ in 0..<510 { #expect(census.took(head(8), at: 0) == true) }
    #expect(census.took(head(8), at: 0) == false)
  }

  @Test("data, its end, and what NIOHTTP2 counts itself are not counted")
  func others() {
    var census = FrameCensus(limit: 1, seconds: 1)
    for type: UInt8 in [2, 3, 4, 5, 6, 9] {
      for _ in 0..<10 { #expect(census.took(head(type), at: 0) == true) }
    }
    for _ in 0..<10 {
      #expect(census.took(head(0), at: 0) == true)
      #expect(census.took(head(0, count: 0, flags: 1), at: 0) == true)
    }
  }
}
