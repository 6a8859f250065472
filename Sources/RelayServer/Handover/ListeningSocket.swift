import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// A socket that somebody else has bound.
enum ListeningSocket {
  /// Where it listens. Throws 78 for what is no listening TCP socket.
  static func address(_ descriptor: Int32) throws(UserError) -> ListenAddress {
    guard option(SO_ACCEPTCONN, descriptor) == 1,
      option(SO_TYPE, descriptor) == CInt(SOCK_STREAM.rawValue)
    else { throw unusable(descriptor, "it is no socket that listens") }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var host = [CChar](repeating: 0, count: 64)
    var port = [CChar](repeating: 0, count: 8)
    let code = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard getsockname(descriptor, address, &length) == 0 else { return CInt(-1) }
        return getnameinfo(
          address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
          NI_NUMERICHOST | NI_NUMERICSERV)
      }
    }
    guard code == 0, let number = Int(text(port)), number > 0 else {
      throw unusable(descriptor, "it has no internet address")
    }
    return ListenAddress(host: text(host), port: number)
  }

  private static func option(_ name: CInt, _ descriptor: Int32) -> CInt {
    var value: CInt = -1
    var size = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func unusable(_ descriptor: Int32, _ why: String) -> UserError {
    UserError(
      code: "address-unusable",
      message: "the descriptor \(descriptor) that was passed to the relay is not usable: \(why)",
      fix: "pass sockets of `ListenStream=` with an address and a port, and `Accept=no`")
  }
}

extension InheritedDescriptors {
  /// Where the inherited sockets listen: the one that is open to the most, for what is safe on that
  /// one is safe on all. Nil if there are none.
  package func address() throws(UserError) -> ListenAddress? {
    try Self.address(of: listeners)
  }

  /// The same of those that redirect.
  package func redirectAddress() throws(UserError) -> ListenAddress? {
    try Self.address(of: redirects)
  }

  private static func address(of listeners: [Int32]) throws(UserError) -> ListenAddress? {
    var addresses: [ListenAddress] = []
    for listener in listeners { addresses.append(try ListeningSocket.address(listener)) }
    return addresses.first { !$0.isLoopback } ?? addresses.first
  }
}
