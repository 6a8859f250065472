import Glibc
import TunnelCore

/// Where running agents of this user can be found: `$XDG_RUNTIME_DIR/tunnel`, else
/// `/tmp/tunnel-UID`. It is this user's own folder with mode 0700 or it is not used, and no
/// symbolic link is followed: everything in it is reached through one descriptor.
package final class PortFolder: Sendable {
  package struct Fault: Error, Equatable {
    let path: String
    let why: String
  }

  let path: String
  private let descriptor: Int32

  /// Makes the folder where it is missing. Throws why it cannot be used.
  package convenience init(making path: String) throws(Fault) {
    if mkdir(path, 0o700) != 0, errno != EEXIST {
      throw Fault(path: path, why: String(cString: strerror(errno)))
    }
    guard let folder = try PortFolder.open(path) else {
      throw Fault(path: path, why: String(cString: strerror(ENOENT)))
    }
    self.init(path, folder)
  }

  /// Nil where there is none, and so no agent runs.
  package convenience init?(reading path: String) throws(Fault) {
    guard let folder = try PortFolder.open(path) else { return nil }
    self.init(path, folder)
  }

  private init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  private static func open(_ path: String) throws(Fault) -> Int32? {
    let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard folder >= 0 else {
      if errno == ENOENT { return nil }
      throw Fault(path: path, why: String(cString: strerror(errno)))
    }
    var about = stat()
    var why: String?
    if fstat(folder, &about) != 0 {
      why = String(cString: strerror(errno))
    } else if about.st_uid != geteuid() {
      why = "it belongs to another user"
    } else if about.st_mode & 0o077 != 0, fchmod(folder, 0o700) != 0 {
      why = String(cString: strerror(errno))
    }
    guard let why else { return folder }
    close(folder)
    throw Fault(path: path, why: why)
  }

  /// Puts `text` there with mode 0600, whole or not at all. Throws why not.
  func write(_ text: String, to name: String) throws(Fault) {
    // No two agents have the same name for theirs, and the rest of a killed one may go.
    let fresh = "\(name).new"
    unlinkat(descriptor, fresh, 0)
    let file = openat(
      descriptor, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw fault(name) }
    var text = text
    let isWhole = text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) == $0.count }
    let isClosed = close(file) == 0
    guard isWhole, isClosed, renameat(descriptor, fresh, descriptor, name) == 0 else {
      let fault = fault(name)
      unlinkat(descriptor, fresh, 0)
      throw fault
    }
  }

  func remove(_ name: String) { unlinkat(descriptor, name, 0) }

  /// Nil if it is gone, or no small file.
  func read(_ name: String) -> [UInt8]? {
    let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = Glibc.read(file, &bytes, bytes.count)
    guard count >= 0, count < bytes.count else { return nil }
    return Array(bytes[..<count])
  }

  /// The names of all files.
  var names: [String] {
    let second = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard second >= 0 else { return [] }
    guard let listing = fdopendir(second) else {
      close(second)
      return []
    }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      names.append(name)
    }
    return names.sorted()
  }

  private func fault(_ name: String) -> Fault {
    Fault(path: "\(path)/\(name)", why: String(cString: strerror(errno)))
  }
}
