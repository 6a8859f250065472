#if canImport(Glibc)
  import Glibc
#endif

/// What a supervisor hears of the relay: systemd's `Type=notify` (sd_notify(3)). Each notice is one
/// datagram of `NAME=value` lines on the Unix socket that the supervisor named in `NOTIFY_SOCKET`,
/// a path or, with `@`, an abstract name (unix(7)). Nothing depends on it: a notice that cannot be
/// sent is a line in the log and no more.
package struct SupervisorNotice: Sendable {
  private let address: sockaddr_un
  private let length: socklen_t

  /// Nil for a name that no socket can have: neither a path nor `@…`, or over 107 bytes.
  package init?(socket name: String) {
    var bytes = Array(name.utf8)
    guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@")
    else { return nil }
    var address = sockaddr_un()
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count > 1, bytes.count < room, !bytes.contains(0) else { return nil }
    // An abstract name begins with a zero and ends with its length; a path ends with a zero.
    if first == UInt8(ascii: "@") { bytes[0] = 0 } else { bytes.append(0) }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    self.address = address
    length = socklen_t(MemoryLayout<sockaddr_un>.size - room + bytes.count)
  }

  /// It accepts connections. `main` is the process that is to be watched, where that changed.
  package func ready(_ status: String, main: pid_t? = nil) -> Bool {
    let process = main.map { "MAINPID=\($0)\n" } ?? ""
    return send("\(process)READY=1\nSTATUS=\(Self.line(status))\n")
  }

  /// A successor is being started; `ready` comes when that is over, by whichever of the two.
  package func reloading(_ status: String) -> Bool {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let microseconds = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    return send(
      "RELOADING=1\nMONOTONIC_USEC=\(microseconds)\nSTATUS=\(Self.line(status))\n")
  }

  /// It ends, in order.
  package func stopping(_ status: String) -> Bool {
    send("STOPPING=1\nSTATUS=\(Self.line(status))\n")
  }

  /// A status is one line.
  private static func line(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }

  /// False where it did not get out. Waits while the supervisor's queue is full, as libsystemd
  /// does: a lost `READY=1` would have a relay that works ended at the start's timeout.
  private func send(_ text: String) -> Bool {
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = address
    let bytes = Array(text.utf8)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        while true {
          let flags = CInt(MSG_NOSIGNAL)
          let sent = sendto(descriptor, bytes, bytes.count, flags, address, length)
          if sent >= 0 || errno != EINTR { return sent == bytes.count }
        }
      }
    }
  }
}
