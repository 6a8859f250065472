#if canImport(Glibc)
  import Glibc
#endif

/// How many files and connections this process may have open (setrlimit(2), RLIMIT_NOFILE).
package enum DescriptorLimit {
  /// What counts now; no bound where the system does not say.
  package static var now: Int { read().map { Int(clamping: $0.rlim_cur) } ?? .max }

  /// Takes all that the process may take: shells and supervisors start with a small number, for
  /// programs that still use select(2). The relay does not.
  package static func raise() {
    guard var limit = read(), limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func read() -> rlimit? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
    return limit
  }
}
