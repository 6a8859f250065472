import Glibc
import Testing

/// One kept-alive connection to a web server on this machine, for requests one after the other.
final class Caller {
  private let socket: Int32

  init(_ port: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(
      socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, length)
      }
    }
    try #require(connected == 0)
  }

  func send(_ path: String) {
    let text = "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"
    _ = write(socket, text, text.utf8.count)
  }

  /// An answer whose body ends with a line feed.
  func hear() throws -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = read(socket, &piece, piece.count)
      try #require(count > 0)
      bytes += piece[..<count]
      let text = String(decoding: bytes, as: UTF8.self)
      if text.contains("\r\n\r\n"), text.last == "\n", !text.hasSuffix("\r\n") { return text }
    }
  }

  func ask(_ path: String) throws -> String {
    send(path)
    return try hear()
  }

  func close() { _ = Glibc.close(socket) }
}
