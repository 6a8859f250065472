import Glibc
import Synchronization

/// Writes whole lines to one descriptor, from any thread: one line, one `write(2)`, at once.
///
/// Short writes, EINTR and EAGAIN are finished under the lock, so lines never mix. Once the reader
/// is gone (EPIPE, or EIO from a hung-up terminal) it calls `readerGone` once and drops the rest.
/// The process must ignore SIGPIPE.
package final class LineWriter: Sendable {
  private let descriptor: Int32
  private let owned: Bool
  private let readerGone: @Sendable () -> Void
  private let gone = Mutex(false)

  package init(
    _ descriptor: Int32, owned: Bool = false, readerGone: @escaping @Sendable () -> Void = {}
  ) {
    self.descriptor = descriptor
    self.owned = owned
    self.readerGone = readerGone
  }

  /// Appends to the file at `path`, made with mode 0600; nil (and `errno`) if it cannot be opened.
  package convenience init?(appendingTo path: String) {
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    self.init(file, owned: true)
  }

  deinit {
    if owned { close(descriptor) }
  }

  /// Writes `line` and a line feed; what it holds is taken as it is.
  package func write(_ line: String) {
    var text = line
    text += "\n"
    let justLost = gone.withLock { gone in
      guard !gone else { return false }
      gone = !text.withUTF8 { LineWriter.writeAll($0, to: descriptor) }
      return gone
    }
    if justLost { readerGone() }
  }

  /// False once nobody can read any more. Other faults (a full disk) lose the line, no more.
  private static func writeAll(_ bytes: UnsafeBufferPointer<UInt8>, to file: Int32) -> Bool {
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let count = Glibc.write(file, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var wait = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
      case EPIPE, EIO: return false
      default: return true
      }
    }
    return true
  }
}
