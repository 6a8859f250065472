import Multiplexer
import NIOCore

/// The fixed part of a frame (RFC 9113, section 4.1).
struct FrameHead: Equatable {
  static let length = 9

  let type: UInt8
  let flags: UInt8
  let stream: UInt32
  /// Bytes of the payload.
  let count: Int

  var isData: Bool { type == 0 }
  /// HEADERS, and CONTINUATION behind it.
  var isOfHeaderBlock: Bool { type == 1 || type == 9 }
  var endsHeaders: Bool { flags & 4 != 0 }
  var endsStream: Bool { flags & 1 != 0 }
  /// More than the length of a padding (section 6.1).
  var hasData: Bool { count > (flags & 8 != 0 ? 1 : 0) }
  var isReset: Bool { type == 3 }
  var isGoAway: Bool { type == 7 }
}

/// Finds the frames of one direction of a connection, in pieces of any size.
struct FrameWalker {
  /// Of the payload, or of a preface, before the next head.
  private var left: Int
  private var begun = ByteBuffer()
  /// The frame whose payload is under way.
  private(set) var current: FrameHead?

  init(behind preface: Int = 0) { left = preface }

  /// A frame has begun that is not whole.
  var isInside: Bool { left > 0 || begun.readableBytes > 0 }

  /// The next frame's head; `bytes` then begin with its payload. Nil: they are used up.
  mutating func next(_ bytes: inout ByteBuffer) -> FrameHead? {
    let skipped = min(left, bytes.readableBytes)
    bytes.moveReaderIndex(forwardBy: skipped)
    left -= skipped
    if left > 0 { return nil }
    let wanted = min(FrameHead.length - begun.readableBytes, bytes.readableBytes)
    if let part = bytes.readSlice(length: wanted) { begun.writeImmutableBuffer(part) }
    guard begun.readableBytes == FrameHead.length,
      let high = begun.readInteger(as: UInt8.self), let low = begun.readInteger(as: UInt16.self),
      let type = begun.readInteger(as: UInt8.self), let flags = begun.readInteger(as: UInt8.self),
      let stream = begun.readInteger(as: UInt32.self)
    else { return nil }
    begun.clear()
    left = Int(high) << 16 | Int(low)
    let head = FrameHead(type: type, flags: flags, stream: stream & 0x7fff_ffff, count: left)
    current = head
    return head
  }
}

/// Counts frames that cost the relay work and bring nobody anything, and of which NIOHTTP2 takes as
/// many as come: WINDOW_UPDATE, unknown types, DATA without bytes (limits.md, "HTTP/2"). What was
/// sent to the client, and each request of its own, justify some of them.
///
/// Time is a parameter, in nanoseconds.
struct FrameCensus {
  /// Two WINDOW_UPDATE for a DATA frame are usual, of its stream and of the connection.
  private static let forData = 4
  /// Priorities come as frames of a type that is unknown here (RFC 9218).
  private static let forHeaders = 4

  private var idle: Bucket
  private var justified = 0

  init(limit: Int, seconds: Int) {
    idle = Bucket(perSecond: UInt64(max(1, limit / seconds)), burst: UInt64(limit))
  }

  mutating func sentData() { justified += Self.forData }

  /// False: that was one too many.
  mutating func took(_ head: FrameHead, at now: UInt64) -> Bool {
    switch head.type {
    case 0 where head.hasData || head.endsStream: return true
    // SETTINGS and the like: NIOHTTP2 limits them.
    case 2...6, 9: return true
    case 1:
      justified += Self.forHeaders
      return true
    default:
      if justified > 0 {
        justified -= 1
        return true
      }
      return idle.take(at: now)
    }
  }
}
