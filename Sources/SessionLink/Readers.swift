import HTTPMessage
import NIOCore

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

extension ByteBuffer {
  /// A part of a head that begins at the reader index, as text.
  package func text(_ range: ByteRange) -> String {
    getString(at: readerIndex + range.start, length: range.count) ?? ""
  }
}
