import NIOCore
import TunnelCore

/// What is known of one exchange, for its log line. A class, for it is written to from many places
/// and read once; nothing but its exchange and its connection holds it.
final class ExchangeRecord {
  let id: ID
  let client: String
  /// Wall clock in milliseconds since 1970.
  let receivedAt: UInt64
  /// Nanoseconds of the monotonic clock.
  let began: Moment
  /// Host, method and path as they were sent, one behind the other; empty if no head was read.
  private(set) var words: [UInt8] = []
  private var hostEnd = 0
  private var methodEnd = 0
  var wantsHTML = false
  var isHead = false
  var status = 0
  var code: String?
  var detail: String?
  var bytesIn: UInt64 = 0
  var bytesOut: UInt64 = 0

  init(client: String, receivedAt: UInt64, id: ID, at now: Moment) {
    self.id = id
    self.receivedAt = receivedAt
    self.client = client
    began = now
  }

  /// One piece of memory for all three: they are kept for as long as the exchange lasts.
  func note(
    host: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
  ) {
    hostEnd = host.count
    methodEnd = hostEnd + method.count
    let count = methodEnd + max(1, path.count)
    words = [UInt8](unsafeUninitializedCapacity: count) { memory, initialized in
      let out = UnsafeMutableRawBufferPointer(memory)
      out.copyBytes(from: host)
      UnsafeMutableRawBufferPointer(rebasing: out[hostEnd...]).copyBytes(from: method)
      // The path of `http://host` and of `/?query` is `/`.
      out[methodEnd] = UInt8(ascii: "/")
      UnsafeMutableRawBufferPointer(rebasing: out[methodEnd...]).copyBytes(from: path)
      initialized = count
    }
  }

  var host: Range<Int> { 0..<hostEnd }
  var method: Range<Int> { hostEnd..<methodEnd }
  var path: Range<Int> { methodEnd..<words.count }

  func refused(_ problem: Problem) {
    status = problem.status
    code = problem.code
    detail = problem.detail
  }
}

extension IngressRequest {
  /// The record of the exchange that begins with this.
  func record(id: ID, at now: Moment) -> ExchangeRecord {
    let record = ExchangeRecord(
      client: peer.client(self), receivedAt: receivedAt, id: id, at: now)
    let path = path
    let host = head.host?.range ?? 0..<0
    bytes.withUnsafeReadableBytes { bytes in
      record.note(
        host: UnsafeRawBufferPointer(rebasing: bytes[host]),
        method: UnsafeRawBufferPointer(rebasing: bytes[head.methodRange.range]),
        path: UnsafeRawBufferPointer(rebasing: bytes[path]))
    }
    record.isHead = head.method == .head
    record.wantsHTML = head.asksForHTML(bytes.readableBytesUInt8Span)
    return record
  }
}
