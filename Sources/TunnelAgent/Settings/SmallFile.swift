import Glibc

/// Small text files, read whole and written whole.
enum SmallFile {
  /// Why a file could not be used.
  struct Fault: Error, Equatable {
    let number: Int32
    var text: String { String(cString: strerror(number)) }
    var isMissing: Bool { number == ENOENT || number == ENOTDIR }
  }

  struct Content {
    let text: String
    /// The permission bits let the group or others read it.
    let isReadableByOthers: Bool
  }

  static func read(_ path: String, most: Int = 1 << 20) throws(Fault) -> Content {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Fault(number: errno) }
    defer { close(file) }
    var about = stat()
    guard fstat(file, &about) == 0 else { throw Fault(number: errno) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = piece.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Fault(number: errno) }
      if count == 0 { break }
      bytes += piece[..<count]
      guard bytes.count <= most else { throw Fault(number: EFBIG) }
    }
    let shared = about.st_mode & S_IFMT == S_IFREG && about.st_mode & 0o044 != 0
    return Content(text: String(decoding: bytes, as: UTF8.self), isReadableByOthers: shared)
  }

  /// Puts `text` at `path` with mode 0600, whole or not at all. `replacing: false` leaves a file
  /// that is there already and throws EEXIST. Makes missing folders, mode 0700.
  static func write(_ text: String, to path: String, replacing: Bool = true) throws(Fault) {
    let target = realPath(path) ?? path
    try makeFolder(folder(of: target))
    let temporary = "\(target).\(getpid()).\(UInt32.random(in: 0 ... .max)).new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Fault(number: errno) }
    defer { unlink(temporary) }
    let wrote = put(text, into: file) && fsync(file) == 0
    let number = errno
    close(file)
    guard wrote else { throw Fault(number: number) }
    let placed = replacing ? rename(temporary, target) : link(temporary, target)
    guard placed == 0 else { throw Fault(number: errno) }
  }

  static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func put(_ text: String, into file: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(file, rest.baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
      return true
    }
  }

  /// Makes the folder and what is missing above it, mode 0700.
  static func makeFolder(_ path: String) throws(Fault) {
    guard !exists(path) else { return }
    if path != "/" && path != "." { try makeFolder(folder(of: path)) }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Fault(number: errno) }
  }

  /// Follows symbolic links, so that a linked file is replaced where it really lies.
  private static func realPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
