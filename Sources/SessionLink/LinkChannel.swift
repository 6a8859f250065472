import Multiplexer
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Turns a connection whose handshake is over into a link.
package enum LinkChannel {
  /// Puts `link` on the connection; `rest` is what came right behind the handshake.
  package static func install(
    _ link: Link, on channel: any Channel, rest: ByteBuffer, over carrier: Carrier = .raw
  ) throws {
    link.pace.width.apply(to: channel)
    if let options = channel.syncOptions {
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
