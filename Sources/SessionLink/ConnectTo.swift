import NIOCore
import NIOPosix

extension ClientBootstrap {
  /// Connects to an address at once, to a name by its addresses, IPv6 and IPv4 side by side. NIO
  /// would ask the resolver about an address too: two threads woken for each connection, and
  /// memory that each of them keeps.
  package func connect(to host: String, port: Int) -> EventLoopFuture<any Channel> {
    if let address = try? SocketAddress(ipAddress: host, port: port) {
      return connect(to: address)
    }
    return connect(host: host, port: port)
  }
}
