import Glibc
import TunnelCore

/// The relay's one directory on disk, and the files in it. Whoever comes first makes it, for its
/// own user alone. What belongs to another user is refused instead of half used: files that root
/// makes there are files that the relay's own user can never open.
struct DataDirectory: Sendable {
  let path: String

  var database: String { path + "/relay.db" }
  var lock: String { path + "/relay.lock" }
  var devToken: String { path + "/dev.token" }

  /// Makes the directory and an empty database file if they are missing, and checks whose they are.
  func prepare() throws(StoreFault) {
    try makeDirectory(path)
    try checkOwner(of: path)
    // SQLite gives its WAL the mode of the database, so that the mode has to be right before.
    let descriptor = open(database, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unusable(database, errno) }
    close(descriptor)
    try checkOwner(of: database)
  }

  /// Runs `body` while no other process of ours does so with this directory. The lock is on the
  /// directory itself: it leaves no file, and is gone with the process.
  func alone<Result>(_ body: () throws(StoreFault) -> Result) throws(StoreFault) -> Result {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unusable(path, errno) }
    defer { close(descriptor) }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else { throw unusable(path, errno) }
    }
    return try body()
  }

  /// Replaces a small file as a whole, readable by its owner only.
  func write(_ text: String, to file: String) throws(StoreFault) {
    let draft = file + ".new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unusable(draft, errno) }
    let bytes = Array(text.utf8)
    let written = Glibc.write(descriptor, bytes, bytes.count)
    let failure = errno
    fsync(descriptor)
    close(descriptor)
    guard written == bytes.count else { throw unusable(draft, failure) }
    guard rename(draft, file) == 0 else { throw unusable(file, errno) }
  }

  /// A small file's text; nil if there is none.
  func read(_ file: String) throws(StoreFault) -> String? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw unusable(file, errno)
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { throw unusable(file, errno) }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private func makeDirectory(_ directory: String) throws(StoreFault) {
    if mkdir(directory, 0o700) == 0 { return }
    switch errno {
    case EEXIST:
      return
    case ENOENT:
      guard let slash = directory.lastIndex(of: "/"), slash > directory.startIndex else {
        throw unusable(directory, ENOENT)
      }
      try makeDirectory(String(directory[..<slash]))
      guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
        throw unusable(directory, errno)
      }
    default:
      throw unusable(directory, errno)
    }
  }

  private func checkOwner(of file: String) throws(StoreFault) {
    var facts = stat()
    guard stat(file, &facts) == 0 else { throw unusable(file, errno) }
    guard facts.st_uid != geteuid() else { return }
    let owner = DataDirectory.userName(facts.st_uid)
    let fix =
      geteuid() == 0 || facts.st_uid != 0
      ? "run it as that user: `sudo -u \(owner) relay …`"
      : "give it to the relay's user: `sudo chown -R \(DataDirectory.userName(geteuid())) \(path)`"
    throw .unusable("\(file) belongs to the user \(owner)", fix: fix)
  }

  private func unusable(_ file: String, _ code: Int32) -> StoreFault {
    let reason = String(cString: strerror(code))
    let fix: String? =
      switch code {
      case EACCES, EPERM: "run it as the user who owns \(path), or choose another with --data"
      case ENOTDIR, EEXIST: "choose another directory with --data"
      case EROFS, ENOSPC: "make room, or choose another directory with --data"
      default: nil
      }
    return .unusable("\(file): \(reason)", fix: fix)
  }

  /// The name of a user; the number as `sudo` takes it where the system knows no name.
  private static func userName(_ user: uid_t) -> String {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 4_096)
    getpwuid_r(user, &entry, &buffer, buffer.count, &found)
    guard let name = found?.pointee.pw_name else { return "#\(user)" }
    return String(cString: name)
  }
}
