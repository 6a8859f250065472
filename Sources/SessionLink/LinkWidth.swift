import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// How much of a link's own bytes may wait on their way out: what waits in this process and in the
/// kernel stands before the next small answer. Behind a narrow way (limits.md: under 20 Mbit/s) a
/// wide link's buffers would be seconds.
enum LinkWidth {
  /// Nothing was measured yet: all that was to be sent went out.
  case unknown
  case wide, narrow

  /// Bytes that the kernel takes before it has sent them (TCP_NOTSENT_LOWAT).
  var unsentInKernel: Int { self == .wide ? 128 << 10 : 16 << 10 }
  /// The kernel keeps to that only roughly: it fills the packet that it has begun, which may have
  /// 64 KiB. So a narrow link asks how much waits there, and again after a moment.
  static let narrowBacklog: CInt = 16 << 10
  static let askedAgain = TimeAmount.milliseconds(10)
  /// Where this process stops writing, and where it begins again.
  var highWater: Int { self == .wide ? 128 << 10 : 8 << 10 }
  var lowWater: Int { self == .wide ? 32 << 10 : 4 << 10 }

  func apply(to channel: any Channel) {
    guard let options = channel.syncOptions else { return }
    try? options.setOption(.writeBufferWaterMark, value: .init(low: lowWater, high: highWater))
    // Not every channel is a TCP socket.
    try? options.setOption(
      ChannelOptions.Types.SocketOption(
        level: .init(rawValue: CInt(IPPROTO_TCP)), name: .init(rawValue: TCP_NOTSENT_LOWAT)),
      value: unsentInKernel)
  }

  /// Whether more waits in the kernel than should stand before the next small answer.
  static func isAhead(_ context: ChannelHandlerContext) -> Bool {
    let operations = context.pipeline.syncOperations
    let unsent = try? operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      descriptor in
      var count: CInt = 0
      return ioctl(descriptor, unsentRequest, &count) == 0 ? count : 0
    }
    return (unsent ?? 0) >= narrowBacklog
  }

  /// SIOCOUTQNSD of linux/sockios.h.
  private static let unsentRequest: UInt = 0x894B

  /// Bytes that the other side has acknowledged: `tcpi_bytes_acked` of linux/tcp.h, which is newer
  /// than what Glibc's module knows. Nil where there is no such thing.
  static func acknowledged(_ context: ChannelHandlerContext) -> UInt64? {
    let operations = context.pipeline.syncOperations
    let known = try? operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      descriptor -> UInt64? in
      let offset = 120
      var info = [UInt8](repeating: 0, count: offset + MemoryLayout<UInt64>.size)
      var length = socklen_t(info.count)
      guard getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &length) == 0,
        Int(length) == info.count
      else { return nil }
      return info.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    }
    return known ?? nil
  }
}
