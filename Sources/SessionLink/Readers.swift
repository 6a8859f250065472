import HTTPMessage
import NIOCore
import TunnelCore

/// HTTPMessage looks at a `Span`; sockets and streams hold a `ByteBuffer`.
extension RequestReader {
  package mutating func next(in bytes: ByteBuffer) throws(MessageFault) -> Step {
    try next(bytes.readableBytesUInt8Span)
  }
}

extension ResponseReader {
  package mutating func next(in bytes: ByteBuffer) throws(MessageFault) -> Step {
    try next(bytes.readableBytesUInt8Span)
  }
}

extension ClientHelloReader {
  package mutating func read(in bytes: ByteBuffer) throws(ClientHelloFault) -> ClientHello? {
    try read(bytes.readableBytesUInt8Span)
  }
}

extension ByteBuffer {
  /// More of what is taken from its front piece by piece: what was taken does not pile up there,
  /// though the buffer may never be quite empty.
  package mutating func append(_ more: ByteBuffer) {
    guard readableBytes > 0 else {
      self = more
      return
    }
    if readerIndex > 16 << 10 { discardReadBytes() }
    writeImmutableBuffer(more)
  }

  /// What of these bytes was read by now: `rest` is a copy that has gone on.
  package func before(_ rest: ByteBuffer) -> ByteBuffer {
    if rest.readableBytes == 0 { return self }
    return getSlice(at: readerIndex, length: readableBytes - rest.readableBytes) ?? ByteBuffer()
  }

  /// A part of a head that begins at the reader index, as text.
  package func text(_ range: ByteRange) -> String {
    getString(at: readerIndex + range.start, length: range.count) ?? ""
  }
}
