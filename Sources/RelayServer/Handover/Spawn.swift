#if canImport(Glibc)
  import Glibc
#endif

/// `posix_spawn(3)` of a process that gets some descriptors from 3 on, default signals, and no
/// other descriptor but the first three. (Swift cannot fork, and NIO's sockets stay open over an
/// exec.)
struct Spawn {
  /// glibc 2.34 and later have it; Swift's module map hides it.
  private typealias CloseFrom =
    @convention(c) (
      UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt
    ) -> CInt

  private var actions = posix_spawn_file_actions_t()
  private var attributes = posix_spawnattr_t()
  private var copies: [Int32] = []

  init() throws(HandoverFault) {
    guard posix_spawn_file_actions_init(&actions) == 0, posix_spawnattr_init(&attributes) == 0
    else { throw Successor.fault("posix_spawn", ENOMEM) }
    // What this process ignores or holds back its successor must not: until it listens itself, a
    // signal ends it.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { sigaddset(&defaults, number) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))
  }

  /// They become 3, 4, … there.
  mutating func pass(_ descriptors: [Int32]) throws(HandoverFault) {
    let end = InheritedDescriptors.first + Int32(descriptors.count)
    for (place, descriptor) in descriptors.enumerated() {
      // A copy above: none of them is written over before its turn.
      let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, end)
      guard copy >= 0 else { throw Successor.fault("a descriptor", errno) }
      copies.append(copy)
      posix_spawn_file_actions_adddup2(&actions, copy, InheritedDescriptors.first + Int32(place))
    }
    guard let found = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
      throw HandoverFault(description: "this system's C library is too old for a hand-over")
    }
    _ = unsafeBitCast(found, to: CloseFrom.self)(&actions, end)
  }

  mutating func run(
    _ path: String, _ arguments: [String], _ environment: [String]
  ) throws(HandoverFault) -> pid_t {
    let words = arguments.map { strdup($0) } + [nil]
    let lines = environment.map { strdup($0) } + [nil]
    defer { for text in words + lines { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, &attributes, words, lines)
    guard code == 0 else { throw Successor.fault(path, code) }
    return pid
  }

  mutating func destroy() {
    for copy in copies { close(copy) }
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }
}
