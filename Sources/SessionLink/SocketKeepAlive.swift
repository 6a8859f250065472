import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Has the kernel ask now and then whether the other side of a quiet TCP connection is still there.
/// A raw connection has no idle limit: a database's may rest for hours, and only this finds out
/// that its other end lost power.
package enum SocketKeepAlive {
  /// Silence before the first question, then the pause between two, in seconds.
  private static let idle: Int = 60
  private static let pause: Int = 15
  /// After so many questions without an answer the connection is over.
  private static let tries: Int = 4

  package static func start(on channel: any Channel) {
    guard let options = channel.syncOptions else { return }
    try? options.setOption(.socketOption(.so_keepalive), value: 1)
    for (name, value) in [(TCP_KEEPIDLE, idle), (TCP_KEEPINTVL, pause), (TCP_KEEPCNT, tries)] {
      try? options.setOption(.tcpOption(.init(rawValue: name)), value: value)
    }
  }
}
