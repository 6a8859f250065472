import Multiplexer
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Turns a connection whose handshake is over into a link.
package enum LinkChannel {
  /// Bytes that may wait in this process and in the kernel unsent: what is queued for a big
  /// answer stands in front of the next small one.
  static let lowWater = 32 << 10
  static let highWater = 128 << 10
  static let unsentInKernel = 128 << 10

  /// Puts `link` on the connection; `rest` is what came right behind the handshake.
  package static func install(
    _ link: Link, on channel: any Channel, rest: ByteBuffer, over carrier: Carrier = .raw
  ) throws {
    if let options = channel.syncOptions {
      try options.setOption(
        .writeBufferWaterMark, value: .init(low: lowWater, high: highWater))
      try? options.setOption(
        ChannelOptions.Types.SocketOption(
          level: .init(rawValue: CInt(IPPROTO_TCP)), name: .init(rawValue: TCP_NOTSENT_LOWAT)),
        value: unsentInKernel)
      try options.setOption(.maxMessagesPerRead, value: 4)
    }
    var webSocket: WebSocketCarrier?
    if carrier != .raw { webSocket = try WebSocketCarrier.install(on: channel, role: link.role) }
    try channel.pipeline.syncOperations.addHandler(link)
    try channel.syncOptions?.setOption(.autoRead, value: true)
    channel.read()
    guard rest.readableBytes > 0 else { return }
    if let webSocket { try webSocket.take(rest, on: channel) } else { link.take(rest) }
  }
}
