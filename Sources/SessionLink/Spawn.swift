#if canImport(Glibc)
  import Glibc
#endif

/// Why a process could not be started.
package struct SpawnFault: Error, CustomStringConvertible {
  package let description: String

  package init(_ what: String, _ code: CInt = errno) {
    description = "\(what): \(String(cString: strerror(code)))"
  }

  fileprivate init(saying description: String) { self.description = description }
}

/// `posix_spawn(3)` of a process that gets some descriptors from 3 on, default signals, and no
/// other descriptor but the first three. (Swift cannot fork, and NIO's sockets stay open over an
/// exec.)
package struct Spawn {
  /// What stands before the descriptors that are passed.
  package static let first: CInt = 3

  /// glibc 2.34 and later have it; Swift's module map hides it.
  private typealias CloseFrom =
    @convention(c) (
      UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt
    ) -> CInt
  /// POSIX_SPAWN_SETSID (spawn.h).
  private static let sessionOfItsOwn: Int16 = 0x80

  private var actions = posix_spawn_file_actions_t()
  private var attributes = posix_spawnattr_t()
  private var copies: [CInt] = []

  /// `inBackground`: it belongs to no terminal, and reads nothing.
  package init(inBackground: Bool = false) throws(SpawnFault) {
    guard posix_spawn_file_actions_init(&actions) == 0, posix_spawnattr_init(&attributes) == 0
    else { throw SpawnFault("posix_spawn", ENOMEM) }
    // What this process ignores or holds back the new one must not: until it listens itself, a
    // signal ends it.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { sigaddset(&defaults, number) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    let signals = Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK)
    posix_spawnattr_setflags(&attributes, signals | (inBackground ? Self.sessionOfItsOwn : 0))
    if inBackground { posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) }
  }

  /// Where its stdout and stderr go.
  package mutating func write(to descriptor: CInt) {
    for output in [1, 2] as [CInt] {
      posix_spawn_file_actions_adddup2(&actions, descriptor, output)
    }
  }

  /// They become 3, 4, … there, and nothing else is open. Say it last.
  package mutating func pass(_ descriptors: [CInt]) throws(SpawnFault) {
    let end = Self.first + CInt(descriptors.count)
    for (place, descriptor) in descriptors.enumerated() {
      // A copy above: none of them is written over before its turn.
      let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, end)
      guard copy >= 0 else { throw SpawnFault("a descriptor") }
      copies.append(copy)
      posix_spawn_file_actions_adddup2(&actions, copy, Self.first + CInt(place))
    }
    guard let found = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
      throw SpawnFault(saying: "the C library is too old to start a process so (glibc 2.34)")
    }
    _ = unsafeBitCast(found, to: CloseFrom.self)(&actions, end)
  }

  /// `arguments` begin with the program's own name, the environment is `NAME=value`.
  package mutating func run(
    _ path: String, _ arguments: [String], _ environment: [String]
  ) throws(SpawnFault) -> pid_t {
    let words = arguments.map { strdup($0) } + [nil]
    let lines = environment.map { strdup($0) } + [nil]
    defer { for text in words + lines { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, &attributes, words, lines)
    guard code == 0 else { throw SpawnFault(path, code) }
    return pid
  }

  package mutating func destroy() {
    for copy in copies { close(copy) }
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }
}

/// How a process ended.
package enum ProcessEnd: Equatable, Sendable {
  case exited(CInt)
  case signalled(CInt)

  /// Waits for it (wait(2): an exit code stands above a signal).
  package init(waitingFor pid: pid_t) {
    var status: CInt = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    self = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
  }
}
