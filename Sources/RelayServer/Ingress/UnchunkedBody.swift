import HTTPMessage
import NIOCore
import SessionLink

/// A chunked answer on its way to a client of HTTP/1.0, which cannot read chunks (RFC 9112 section
/// 6.1): the data passes, its frame and trailers do not, and the connection's end is the body's.
///
/// Some development servers chunk whatever they are asked (Werkzeug's is one). A class: only few
/// exchanges have one.
final class UnchunkedBody {
  private var reader = ChunkedReader()

  /// `body` is what the answer's reader has found whole and valid.
  func pass(_ body: ByteBuffer, to socket: JoinedSocket, creditor: any Creditor) {
    var rest = body
    // What was valid once is so again.
    while let step = try? reader.next(rest.readableBytesUInt8Span) {
      switch step {
      case .more, .end: return
      case .frame(let count), .trailers(let count):
        rest.moveReaderIndex(forwardBy: count)
        creditor.bytesLeft(count)
      case .data(let count):
        guard let data = rest.readSlice(length: count) else { return }
        socket.write(data, owing: count, to: creditor)
      }
    }
  }
}
