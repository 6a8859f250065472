import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// The clock that runs on while the machine sleeps: for noticing that it did.
enum BootClock {
  static func now() -> Moment {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }
}
