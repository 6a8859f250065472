import Glibc
import SessionLink
import Testing

@testable import RelayServer

/// Processes that are started as a successor is: what reaches them, and how they fail.
@Suite("successors")
struct SuccessorTests {
  private func start(_ script: String) throws -> Successor {
    let program = Program(
      path: "/bin/sh", arguments: ["sh", "-c", script],
      environment: ["PATH=/usr/bin:/bin", "LISTEN_PID=1"])
    let (listener, lock) = (open("/dev/zero", O_RDONLY), open("/dev/null", O_RDONLY))
    // Not close-on-exec, as NIO's accepted sockets are.
    let stray = open("/dev/full", O_RDONLY)
    defer { for descriptor in [listener, lock, stray] { close(descriptor) } }
    return try Successor.start(program, listeners: [listener], lock: lock)
  }

  @Test("it gets its inheritance from 3 on, and no other descriptor", .timeLimit(.minutes(1)))
  func inheritance() async throws {
    let successor = try start(
      """
      [ "$LISTEN_FDS $LISTEN_FDNAMES" = "3 relay:data-lock:predecessor" ] || exit 1
      [ "$RELAY_PREDECESSOR" = "$PPID" ] && [ -z "$LISTEN_PID" ] || exit 2
      [ "$(readlink /proc/$$/fd/3) $(readlink /proc/$$/fd/4)" = "/dev/zero /dev/null" ] || exit 3
      ls -l /proc/$$/fd | grep -q /dev/zero || exit 4
      ls -l /proc/$$/fd | grep -q /dev/full && exit 5
      printf 1 >&5
      read go <&5
      """)
    try await successor.ready(within: .seconds(50))
    successor.go()
    successor.terminate()
  }

  @Test("one that ends before it is ready says how", .timeLimit(.minutes(1)))
  func ended() async throws {
    let successor = try start("exit 78")
    let fault = await #expect(throws: HandoverFault.self) {
      try await successor.ready(within: .seconds(50))
    }
    #expect(fault?.description == "it ended with exit code 78")
    #expect(successor.terminate() == "it ended with exit code 78")
  }

  @Test("one that is late is ended", .timeLimit(.minutes(1)))
  func late() async throws {
    let successor = try start("exec cat /dev/zero >/dev/null")
    let fault = await #expect(throws: HandoverFault.self) {
      try await successor.ready(within: .milliseconds(100))
    }
    #expect(fault?.description.hasPrefix("it was not ready after ") == true)
    #expect(successor.terminate() == "it ended by signal 9")
    #expect(kill(successor.pid, 0) != 0)
  }

  @Test("a file that is no program is a fault")
  func noProgram() {
    let program = Program(path: "/nowhere/relay", arguments: ["relay"], environment: [])
    let fault = #expect(throws: SpawnFault.self) {
      try Successor.start(program, listeners: [], lock: 0)
    }
    #expect(fault?.description == "/nowhere/relay: No such file or directory")
  }
}
