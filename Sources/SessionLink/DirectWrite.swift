import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Hands bytes straight to the kernel, past NIO's pipeline and its list of waiting writes: what a
/// socket takes at once, and that is nearly all, needs neither. A tenth of an exchange's
/// instructions.
///
/// Only for a channel with nothing but its socket below the caller, and only while NIO holds
/// nothing unwritten of it. Belongs to the channel's event loop.
struct DirectWrite {
  private let channel: any Channel
  private let descriptor: NIOBSDSocket.Handle

  /// Nil for a channel without a socket of its own.
  init?(_ context: ChannelHandlerContext) {
    let operations = context.pipeline.syncOperations
    guard
      let descriptor = try? operations.withUnsafeTransportIfAvailable(
        of: NIOBSDSocket.Handle.self, { $0 })
    else { return nil }
    channel = context.channel
    self.descriptor = descriptor
  }

  /// How many of the bytes the kernel took. What it did not take is NIO's: to wait until there is
  /// room, or to find out what is wrong with the connection.
  func write(_ bytes: ByteBuffer) -> Int {
    // A descriptor's number may be another connection's once the channel has closed it.
    guard channel.isActive else { return 0 }
    let count = bytes.withUnsafeReadableBytes { memory in
      send(
        descriptor, memory.baseAddress, memory.count,
        Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }
    return max(0, count)
  }
}
