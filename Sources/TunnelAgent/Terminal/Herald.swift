import Glibc
import Synchronization

/// Tells the process that started this one in the background how it is, up to the moment it is
/// ready: events as JSON, one a line, on a pipe. See `Detached`.
package final class Herald: Sendable {
  private let writer: Mutex<LineWriter?>

  /// Takes the descriptor over.
  package init(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    writer = Mutex(LineWriter(descriptor, owned: true))
  }

  package func tell(_ events: [AgentEvent]) {
    for event in events { tell(event) }
  }

  package func tell(_ event: AgentEvent) {
    writer.withLock { writer in
      switch event {
      case .reconnecting, .error: writer?.write(EventJSON.of(event).line)
      case .ready, .standby:
        writer?.write(EventJSON.of(event).line)
        writer = nil
      case .request, .connection, .online, .replaced, .claimed, .warning: break
      }
    }
  }
}
