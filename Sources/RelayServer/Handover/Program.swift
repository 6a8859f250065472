#if canImport(Glibc)
  import Glibc
#endif

/// How this process was started, so that another can be started the same way.
package struct Program: Sendable {
  /// Where its executable stood at the start; by now another file may stand there.
  package let path: String
  package let arguments: [String]
  /// `NAME=value`.
  package let environment: [String]

  package init(path: String, arguments: [String], environment: [String]) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
  }

  /// To be called at the start, while the names still mean the file that runs. A link that was
  /// called stays one: an upgrade may turn it to another file. `search` is PATH.
  package static func path(called name: String, search: String?) -> String? {
    let running = target(of: "/proc/self/exe")
    let candidates =
      name.contains("/")
      ? [name] : (search ?? "").split(separator: ":").map { "\($0)/\(name)" }
    let called = candidates.first { isRunning($0) }
    return called.flatMap(absolute) ?? running
  }

  /// The environment without what one process was told of its inheritance, and with what its
  /// successor is told.
  func environment(telling more: [String: String]) -> [String] {
    environment.filter { line in
      let name = line.prefix { $0 != "=" }
      return !InheritedDescriptors.names.contains { $0 == name }
    } + more.map { "\($0.key)=\($0.value)" }
  }

  private static func isRunning(_ path: String) -> Bool {
    var (named, running) = (stat(), stat())
    guard stat(path, &named) == 0, stat("/proc/self/exe", &running) == 0 else { return false }
    return named.st_dev == running.st_dev && named.st_ino == running.st_ino
  }

  private static func absolute(_ path: String) -> String? {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else { return nil }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  private static func target(of link: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = bytes.withUnsafeMutableBytes { memory in
      memory.bindMemory(to: CChar.self).baseAddress.map { readlink(link, $0, memory.count) } ?? -1
    }
    guard count > 0, count < bytes.count else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
