import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// How much of a link's own bytes may wait on their way out: what waits in this process and in the
/// kernel stands before the next small answer. Behind a narrow way (limits.md: under 20 Mbit/s) a
/// wide link's buffers would be seconds. A link begins as a narrow one.
enum LinkWidth {
  case wide, narrow

  /// Bytes a second.
  static let border: UInt64 = 20_000_000 / 8
  /// The kernel's figure moves slowly.
  static let measuredEvery = TimeAmount.milliseconds(50)

  /// Bytes that the kernel takes before it has sent them (TCP_NOTSENT_LOWAT).
  var unsentInKernel: Int { self == .wide ? 128 << 10 : 16 << 10 }
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

  /// What the kernel measured on a connection that has just had more to send than went out; nil
  /// where it does not know.
  init?(of context: ChannelHandlerContext) {
    let operations = context.pipeline.syncOperations
    let rate = try? operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      Self.deliveryRate($0)
    }
    guard let rate, rate > 0 else { return nil }
    self = rate < Self.border ? .narrow : .wide
  }

  /// `tcpi_delivery_rate` of linux/tcp.h, which is newer than what Glibc's module knows.
  private static func deliveryRate(_ descriptor: NIOBSDSocket.Handle) -> UInt64 {
    let offset = 160
    var info = [UInt8](repeating: 0, count: offset + MemoryLayout<UInt64>.size)
    var length = socklen_t(info.count)
    guard getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &length) == 0,
      Int(length) == info.count
    else { return 0 }
    return info.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
  }
}
