import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// A listening socket for one TCP port, made before anything accepts on it.
enum PortSocket {
  struct Fault: Error {
    let number: Int32
    var words: String { String(cString: strerror(number)) }
  }

  /// Throws the system's reason; EADDRINUSE is another program's port.
  static func bind(_ port: Int, of offer: TCPOffer) throws(Fault) -> Int32 {
    let host = offer.host ?? "::"
    do {
      return try bind(host, port)
    } catch {
      // A machine without IPv6.
      guard host == "::", error.number == EAFNOSUPPORT else { throw error }
      return try bind("0.0.0.0", port)
    }
  }

  static func isFree(_ port: Int, of offer: TCPOffer) -> Bool {
    guard let socket = try? bind(port, of: offer) else { return false }
    Glibc.close(socket)
    return true
  }

  private static func bind(_ host: String, _ port: Int) throws(Fault) -> Int32 {
    guard let address = try? SocketAddress.makeAddressResolvingHost(host, port: port) else {
      throw Fault(number: EADDRNOTAVAIL)
    }
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let socket = Glibc.socket(CInt(address.protocol.rawValue), kind, 0)
    guard socket >= 0 else { throw Fault(number: errno) }
    var (on, off): (CInt, CInt) = (1, 0)
    let size = socklen_t(MemoryLayout<CInt>.size)
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, size)
    // `[::]` is IPv4 too, whatever the machine's own habit (RFC 3493, section 5.3).
    if host == "::" { setsockopt(socket, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &off, size) }
    let isBound = address.withSockAddr { Glibc.bind(socket, $0, socklen_t($1)) } == 0
    guard isBound, listen(socket, Listener.backlog) == 0 else {
      let number = errno
      Glibc.close(socket)
      throw Fault(number: number)
    }
    return socket
  }
}
