import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
  import Glibc
#endif

/// Told outward before a close that must not be taken for the end of what was sent, for those who
/// have no socket of their own to reset (a stream of HTTP/2).
package struct ClosesByReset: Sendable {}

extension ChannelHandlerContext {
  /// Closes so that the other side hears of it at once and cannot take what it got for the whole
  /// (a TCP reset). An orderly end waits behind what the other side has not acknowledged, which is
  /// for ever where the way to it is gone.
  func closeByReset() {
    if let options = channel as? any SocketOptionProvider {
      _ = options.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0))
    }
    triggerUserOutboundEvent(ClosesByReset(), promise: nil)
    // Its close_notify would say that all had been sent (RFC 8446, section 6.1).
    closeBelowTLS()
  }

  /// Closes without TLS's last word, for which it would wait for the other side's.
  func closeBelowTLS() {
    let below = try? pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
    (below ?? self).close(promise: nil)
  }
}

extension IOError {
  /// The system's own words, without the name of the call that met it.
  var words: String { String(cString: strerror(errnoCode)) }
}
