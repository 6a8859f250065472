import Glibc
import TunnelCore

/// Keeps a second `relay serve` out of a data directory, for as long as this value lives. The other
/// commands do not take it: they work beside a running relay. The kernel frees the lock with the
/// process, so that none is ever left over.
package final class DataLock: Sendable {
  private let descriptor: Int32

  /// Makes the directory if need be. Throws `locked` with the other process's id, or `unusable`.
  package init(directory: String) throws(StoreFault) {
    let data = DataDirectory(path: directory)
    try data.prepare()
    descriptor = open(data.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unusable("\(data.lock): \(String(cString: strerror(errno)))", fix: nil)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      let holder = try data.read(data.lock)?.split(separator: "\n").first
      throw .locked(directory: directory, pid: holder.flatMap { Int32($0) })
    }
    let line = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    _ = write(descriptor, line, line.count)
  }

  deinit {
    close(descriptor)
  }
}
