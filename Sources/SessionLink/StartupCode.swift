#if canImport(Glibc)
  import Glibc
#endif

/// Code that only a program's start needs: reading flags, opening files, finding what conforms to
/// what. The kernel maps 64 KiB around each page that was touched, so of the relay's code two
/// thirds stayed resident for that alone.
package enum StartupCode {
  /// Unmaps the program's code; what still runs comes back from the page cache by some hundred
  /// minor faults. Call when the start is over, and after what is rarely done. Linux alone;
  /// elsewhere nothing happens.
  ///
  /// Only mappings that are executable and not writable are touched: no such page differs from its
  /// file, and so none can be lost (madvise(2), MADV_DONTNEED).
  package static func giveBack() {
    #if os(Linux)
      guard let program = realpath("/proc/self/exe", nil) else { return }
      defer { free(program) }
      guard let maps = fopen("/proc/self/maps", "r") else { return }
      defer { fclose(maps) }
      var line: UnsafeMutablePointer<CChar>?
      var room = 0
      defer { free(line) }
      while getline(&line, &room, maps) > 0, let text = line.map({ String(cString: $0) }) {
        guard text.hasSuffix(" \(String(cString: program))\n"), let code = code(text) else {
          continue
        }
        madvise(UnsafeMutableRawPointer(bitPattern: code.lowerBound), code.count, MADV_DONTNEED)
      }
    #endif
  }

  /// The addresses of a line of /proc/self/maps that is `r-xp` (proc_pid_maps(5)).
  private static func code(_ line: String) -> Range<UInt>? {
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count == 3, words[1] == "r-xp" else { return nil }
    let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
  }
}
