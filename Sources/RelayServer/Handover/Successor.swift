import SessionLink
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Why a successor that was started never served; the relay goes on.
struct HandoverFault: Error, CustomStringConvertible {
  let description: String
}

/// The process that is to take over: started from the file that stands at the executable's path
/// now, with the same arguments, and with the listening sockets, the data directory's lock and its
/// end of the wire for an inheritance. Nothing else that is open here reaches it.
final class Successor: Sendable {
  /// product.md, section 4: one that is not ready by then is ended.
  static let patience = Duration.seconds(10)

  let pid: pid_t
  private let wire: Wire
  private let end = Mutex<String?>(nil)

  /// Throws the system's reason if nothing could be started.
  static func start(
    _ program: Program, listeners: [Int32], redirects: [Int32] = [],
    ports: [(port: Int, socket: Int32)] = [], lock: Int32
  ) throws(SpawnFault) -> Successor {
    guard let (wire, itsEnd) = Wire.pair() else { throw SpawnFault("socketpair") }
    defer { close(itsEnd) }
    var inheritance = listeners.map { ($0, InheritedDescriptors.listenerName) }
    inheritance += redirects.map { ($0, InheritedDescriptors.redirectName) }
    inheritance += ports.map { ($0.socket, "\(InheritedDescriptors.portName)\($0.port)") }
    inheritance.append((lock, InheritedDescriptors.lockName))
    inheritance.append((itsEnd, InheritedDescriptors.wireName))
    let environment = program.environment(telling: [
      "LISTEN_FDS": "\(inheritance.count)",
      "LISTEN_FDNAMES": inheritance.map(\.1).joined(separator: ":"),
      "RELAY_PREDECESSOR": "\(getpid())",
    ])
    var spawn = try Spawn()
    defer { spawn.destroy() }
    try spawn.pass(inheritance.map(\.0))
    let pid = try spawn.run(program.path, program.arguments, environment)
    return Successor(pid, wire)
  }

  private init(_ pid: pid_t, _ wire: Wire) {
    self.pid = pid
    self.wire = wire
  }

  /// Returns once it is ready to serve. Throws why it never will be, and then it is gone.
  func ready(within patience: Duration) async throws(HandoverFault) {
    switch await wire.hear(within: patience) {
    case .said: return
    case .late:
      terminate()
      throw HandoverFault(description: "it was not ready after \(patience)")
    case .ended: throw HandoverFault(description: terminate())
    }
  }

  /// Everything is its own now.
  func go() { wire.say() }

  /// Ends it, before its wire does: a wire that ends first would tell it to serve. How it ended.
  @discardableResult
  func terminate() -> String {
    end.withLock { end in
      // Once it was waited for, its number may be another process's.
      if let end { return end }
      kill(pid, SIGKILL)
      let words =
        switch ProcessEnd(waitingFor: pid) {
        case .exited(let code): "it ended with exit code \(code)"
        case .signalled(let signal): "it ended by signal \(signal)"
        }
      end = words
      return words
    }
  }
}
