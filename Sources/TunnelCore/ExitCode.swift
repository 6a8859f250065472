/// How a process of ours ends (product.md, section 3; numbers from sysexits where one fits).
package enum ExitCode: Int32, Sendable, CaseIterable {
  case ok = 0
  case other = 1
  /// An unknown flag or command, a bad value.
  case usage = 2
  case waitTimedOut = 7
  /// The relay cannot be reached, or no agent runs.
  case unavailable = 69
  /// A name, an address or a data directory belongs to somebody else.
  case taken = 73
  case temporary = 75
  case authentication = 77
  case configuration = 78
  case interrupted = 130
}
