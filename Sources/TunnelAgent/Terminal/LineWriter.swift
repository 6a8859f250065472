import Glibc
import Synchronization

/// Writes whole lines to one descriptor, from any thread, at once: a `write(2)` for a line, or for
/// as many lines of the same moment as a pipe takes in one piece.
///
/// Short writes, EINTR and EAGAIN are finished under the lock, so lines never mix. Once the reader
/// is gone (EPIPE, or EIO from a hung-up terminal) it says so once and drops the rest.
/// The process must ignore SIGPIPE.
package final class LineWriter: Sendable {
  private let descriptor: Int32
  private let owned: Bool
  private let state = Mutex(State())

  private struct State {
    var gone = false
    var tell: (@Sendable () -> Void)?
  }

  package init(_ descriptor: Int32, owned: Bool = false) {
    self.descriptor = descriptor
    self.owned = owned
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
    text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  }

  /// Writes whole lines, each with its line feed.
  package func write(_ lines: ArraySlice<UInt8>) {
    lines.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = LineWriter.wholeLines(rest)
        put(UnsafeRawBufferPointer(rebasing: piece))
        rest = rest.dropFirst(piece.count)
      }
    }
  }

  /// As many lines as a pipe keeps together (pipe(7), PIPE_BUF), or one that is longer.
  private static func wholeLines(_ bytes: Slice<UnsafeRawBufferPointer>)
    -> Slice<UnsafeRawBufferPointer>
  {
    if bytes.count <= PIPE_BUF { return bytes }
    let feed = UInt8(ascii: "\n")
    let end = bytes.prefix(Int(PIPE_BUF)).lastIndex(of: feed) ?? bytes.firstIndex(of: feed)
    return end.map { bytes[...$0] } ?? bytes
  }

  private func put(_ bytes: UnsafeRawBufferPointer) {
    let tell = state.withLock { state -> (@Sendable () -> Void)? in
      guard !state.gone else { return nil }
      state.gone = !LineWriter.writeAll(bytes, to: descriptor)
      return state.gone ? state.tell : nil
    }
    tell?()
  }

  /// Calls `tell` once nobody reads any more, on the thread whose line met that; at once if it
  /// was so before.
  package func whenReaderGone(_ tell: @escaping @Sendable () -> Void) {
    let gone = state.withLock { state in
      state.tell = tell
      return state.gone
    }
    if gone { tell() }
  }

  /// False once nobody can read any more. Other faults (a full disk) lose the line, no more.
  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> Bool {
    var rest = bytes
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
