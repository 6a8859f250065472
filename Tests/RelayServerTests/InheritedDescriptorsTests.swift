import Glibc
import Testing
import TunnelCore

@testable import RelayServer

/// sd_listen_fds(3), and what a relay passes on to its successor.
@Suite("inherited descriptors")
struct InheritedDescriptorsTests {
  private func read(_ environment: [String: String], pid: Int32 = 7, parent: Int32 = 3)
    -> InheritedDescriptors
  {
    InheritedDescriptors(pid: pid, parent: parent) { environment[$0] }
  }

  @Test("sockets of systemd are listeners, whatever their names")
  func activation() {
    let one = read(["LISTEN_PID": "7", "LISTEN_FDS": "1"])
    #expect(one == InheritedDescriptors(listeners: [3]))
    let named = read([
      "LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "relay.socket:data-lock:predecessor",
    ])
    #expect(named == InheritedDescriptors(listeners: [3, 4, 5]))
    #expect(!named.isSuccessor)
  }

  @Test("a socket named redirect is the one that redirects, whoever passes it")
  func redirect() {
    let got = read(["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "redirect:relay"])
    #expect(got == InheritedDescriptors(listeners: [4], redirects: [3]))
  }

  @Test("a relay's successor gets the lock and the wire too")
  func successor() {
    let got = read([
      "RELAY_PREDECESSOR": "3", "LISTEN_FDS": "4",
      "LISTEN_FDNAMES": "relay:relay:data-lock:predecessor", "LISTEN_PID": "1",
    ])
    #expect(got == InheritedDescriptors(listeners: [3, 4], lock: 5, wire: 6))
    #expect(got.isSuccessor)
  }

  @Test("a successor gets the sockets of TCP endpoints by their ports, up to a thousand")
  func ports() {
    let got = read([
      "RELAY_PREDECESSOR": "3", "LISTEN_FDS": "5",
      "LISTEN_FDNAMES": "relay:tcp-20007:data-lock:predecessor:tcp-x",
    ])
    #expect(got.ports == [20_007: 4] && got.listeners == [3, 7] && got.all.contains(4))
    let many = (0..<1_000).map { "tcp-\(20_000 + $0)" }.joined(separator: ":")
    #expect(
      read([
        "RELAY_PREDECESSOR": "3", "LISTEN_FDS": "1003",
        "LISTEN_FDNAMES": "relay:data-lock:predecessor:\(many)",
      ]).ports.count == 1_000)
    // systemd knows nothing of them.
    #expect(
      read(["LISTEN_PID": "7", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "tcp-20007"]).ports == [:])
  }

  @Test(
    "what is meant for another process, or makes no sense, is nothing",
    arguments: [
      [:], ["LISTEN_FDS": "1"], ["LISTEN_PID": "8", "LISTEN_FDS": "1"], ["LISTEN_PID": "7"],
      ["LISTEN_PID": "7", "LISTEN_FDS": "0"], ["LISTEN_PID": "7", "LISTEN_FDS": "-1"],
      ["LISTEN_PID": "7", "LISTEN_FDS": "65"], ["LISTEN_PID": "7", "LISTEN_FDS": "one"],
      ["RELAY_PREDECESSOR": "4", "LISTEN_FDS": "1"], ["RELAY_PREDECESSOR": "3"],
    ])
  func nothing(environment: [String: String]) {
    #expect(read(environment) == .none)
  }

  @Test("the next process is told of its own inheritance alone")
  func environment() {
    let program = Program(
      path: "/relay", arguments: ["relay"],
      environment: ["LISTEN_PID=7", "LISTEN_FDS=1", "HOME=/root", "LISTEN_FDNAMES=x", "LISTEN=1"])
    let told = program.environment(telling: ["LISTEN_FDS": "3"])
    #expect(told == ["HOME=/root", "LISTEN=1", "LISTEN_FDS=3"])
  }

  @Test("an inherited socket says where it listens; anything else is refused with the fix")
  func addresses() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    let closed = #expect(throws: UserError.self) { try ListeningSocket.address(listener) }
    #expect(closed?.code == "address-unusable" && closed?.fix != nil)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(bound == 0 && listen(listener, 1) == 0)
    let found = try #require(try InheritedDescriptors(listeners: [listener]).address())
    #expect(found.host == "127.0.0.1" && found.port > 0)
    #expect(try InheritedDescriptors.none.address() == nil)
    #expect(throws: UserError.self) { try ListeningSocket.address(0) }
  }

  @Test("a program is found where it was called, by the file that runs")
  func program() throws {
    let running = try #require(Program.path(called: "nothing-of-that-name", search: "/bin:/usr"))
    #expect(running.hasPrefix("/"))
    #expect(Program.path(called: running, search: nil) == running)
    // Another file than the one that runs is not what was called.
    #expect(Program.path(called: "/bin/sh", search: nil) == running)
  }
}
