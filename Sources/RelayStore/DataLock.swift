import Glibc
import TunnelCore

/// Keeps a second `relay serve` out of a data directory, for as long as this value lives. The other
/// commands do not take it: they work beside a running relay. The kernel frees the lock with the
/// process, so that none is ever left over.
///
/// The lock is one of the open file (flock(2)): a relay that hands over passes it on with its
/// descriptor, and it is never free in between.
package final class DataLock: Sendable {
  package let descriptor: Int32

  /// Makes the directory if need be. Throws `locked` with the other process's id, or `unusable`;
  /// that too if `inherited` is no descriptor of this directory's lock.
  package init(directory: String, inherited: Int32? = nil) throws(StoreFault) {
    let data = DataDirectory(path: directory)
    try data.prepare()
    descriptor = inherited ?? open(data.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unusable("\(data.lock): \(String(cString: strerror(errno)))", fix: nil)
    }
    guard inherited == nil || DataLock.isOpen(data.lock, as: descriptor) else {
      throw .unusable("\(data.lock) is not the lock that was handed over", fix: nil)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      // `deinit` closes it: closed here too, it would be somebody else's file by then.
      let holder = try data.read(data.lock)?.split(separator: "\n").first
      throw .locked(directory: directory, pid: holder.flatMap { Int32($0) })
    }
    // A successor gets in here too, but the one that hands over still serves.
    if inherited == nil { sign() }
  }

  /// Writes down which process it is that runs, for the one that is kept out.
  package func sign() {
    let line = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    // An inherited descriptor stands where the one before it has stopped writing.
    pwrite(descriptor, line, line.count, 0)
  }

  private static func isOpen(_ path: String, as descriptor: Int32) -> Bool {
    var (named, held) = (stat(), stat())
    guard stat(path, &named) == 0, fstat(descriptor, &held) == 0 else { return false }
    return named.st_dev == held.st_dev && named.st_ino == held.st_ino
  }

  deinit {
    close(descriptor)
  }
}
