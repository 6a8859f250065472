import Dispatch
import NIOCore
import SessionLink

#if canImport(Glibc)
  import Glibc
#endif

/// The wire between a relay that hands over and its successor, a pair of sockets: the successor
/// says one byte when nothing can fail any more, the other one when it has let go of everything.
/// A wire that ends says that the process at its other end is gone.
final class Wire: Sendable {
  enum Word: Equatable { case said, ended, late }

  private let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Both ends; nil where the system has no descriptor left.
  static func pair() -> (Wire, Int32)? {
    var ends: [Int32] = [-1, -1]
    let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
    return (Wire(ends[0]), ends[1])
  }

  func say() {
    var byte: UInt8 = 1
    _ = send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL))
  }

  /// The other side's word, or its end. Nil waits for as long as it takes.
  func hear(within limit: Duration?) async -> Word {
    await withCheckedContinuation { done in
      // A thread of its own: it sits and waits.
      DispatchQueue(label: "wire").async { done.resume(returning: self.listen(limit)) }
    }
  }

  private func listen(_ limit: Duration?) -> Word {
    let deadline = limit.map { NIODeadline.now() + .nanoseconds($0.nanoseconds) }
    while true {
      let left = deadline.map { max(0, ($0 - .now()).nanoseconds / 1_000_000) } ?? -1
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let count = poll(&entry, 1, CInt(left))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return .late }
      var byte: UInt8 = 0
      return recv(descriptor, &byte, 1, 0) == 1 ? .said : .ended
    }
  }

  deinit { close(descriptor) }
}
