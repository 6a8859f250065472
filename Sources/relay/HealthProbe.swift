import Glibc
import TunnelCore

/// One small blocking HTTP request: the process does nothing else, so that it needs no event loop.
enum HealthProbe {
  private static let patience: time_t = 5

  /// The status of `GET` on the target. Throws `unhealthy` where nothing answers in time.
  static func status(of target: HealthTarget) throws(UserError) -> Int {
    let descriptor = try connected(to: target)
    defer { close(descriptor) }
    let request = Array(
      """
      GET \(target.path) HTTP/1.1\r
      Host: \(target.host):\(target.port)\r
      Connection: close\r
      \r\n
      """.utf8)
    guard send(descriptor, request, request.count, 0) == request.count
    else { throw silent(target, errno) }
    // `HTTP/1.1 200`: all that is wanted stands in the first twelve bytes.
    var head: [UInt8] = []
    while head.count < 12 {
      var part = [UInt8](repeating: 0, count: 512)
      let count = recv(descriptor, &part, part.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw silent(target, errno) }
      guard count > 0 else { break }
      head += part[..<count]
    }
    let text = String(decoding: head.prefix(12), as: UTF8.self)
    guard text.hasPrefix("HTTP/1."), let status = Int(text.suffix(3)) else {
      throw UserError(code: "unhealthy", message: "\(target) does not answer with HTTP")
    }
    return status
  }

  private static func connected(to target: HealthTarget) throws(UserError) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let failure = getaddrinfo(target.name, target.port, &hints, &list)
    guard failure == 0 else {
      throw UserError(
        code: "unhealthy", message: "\(target): \(String(cString: gai_strerror(failure)))")
    }
    defer { freeaddrinfo(list) }
    var reason: Int32 = ECONNREFUSED
    var next = list
    while let entry = next?.pointee {
      let descriptor = socket(entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
      if descriptor >= 0 {
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        if connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return descriptor }
        reason = errno
        close(descriptor)
      }
      next = entry.ai_next
    }
    throw silent(target, reason)
  }

  private static func silent(_ target: HealthTarget, _ code: Int32) -> UserError {
    let isLate = code == EAGAIN || code == EINPROGRESS
    let reason = isLate ? "no answer in \(patience) s" : String(cString: strerror(code))
    return UserError(code: "unhealthy", message: "\(target): \(reason)")
  }
}
