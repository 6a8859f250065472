import Glibc
import Testing

@testable import RelayServer

/// What systemd would read, on a real datagram socket.
@Suite("supervisor notices")
struct SupervisorNoticeTests {
  @Test("ready and stopping arrive at a path", .timeLimit(.minutes(1)))
  func path() throws {
    let folder = try temporaryFolder()
    defer { rmdir(folder) }
    let name = folder + "/notify"
    defer { unlink(name) }
    let socket = try Mouth(name)
    let notice = try #require(SupervisorNotice(socket: name))
    #expect(notice.ready("Serving a.example"))
    #expect(notice.stopping("Draining"))
    #expect(socket.next() == "READY=1\nSTATUS=Serving a.example\n")
    #expect(socket.next() == "STOPPING=1\nSTATUS=Draining\n")
  }

  @Test("an abstract name is neither padded nor ended by a zero", .timeLimit(.minutes(1)))
  func abstract() throws {
    let name = "@notice-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let socket = try Mouth(name)
    #expect(try #require(SupervisorNotice(socket: name)).ready("x"))
    #expect(socket.next() == "READY=1\nSTATUS=x\n")
  }

  @Test("a status cannot add a line of its own", .timeLimit(.minutes(1)))
  func oneLine() throws {
    let name = "@notice-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let socket = try Mouth(name)
    #expect(try #require(SupervisorNotice(socket: name)).ready("x\nMAINPID=1\r\ny"))
    #expect(socket.next() == "READY=1\nSTATUS=x MAINPID=1 y\n")
  }

  @Test("nobody at the socket is false, and no signal")
  func nobody() throws {
    let notice = try #require(SupervisorNotice(socket: "/tmp/nobody-\(getpid())/notify"))
    #expect(!notice.ready("x"))
  }

  @Test(
    "what no socket can be called is refused", arguments: ["", "/", "@", "notify", "vsock:2:1"])
  func names(_ name: String) {
    #expect(SupervisorNotice(socket: name) == nil)
  }

  @Test("a name has at most 107 bytes, the kernel's room less one")
  func length() {
    #expect(SupervisorNotice(socket: "/" + String(repeating: "a", count: 106)) != nil)
    #expect(SupervisorNotice(socket: "/" + String(repeating: "a", count: 107)) == nil)
  }
}

/// A supervisor's end of the socket.
private final class Mouth {
  private let descriptor: Int32

  init(_ name: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 } else { bytes.append(0) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
    let size = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(size + bytes.count))
      }
    }
    try #require(bound == 0)
  }

  /// The next datagram, which is there already: a send on a Unix socket queues it at once.
  func next() -> String {
    var bytes = [UInt8](repeating: 0, count: 1_024)
    let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  deinit { close(descriptor) }
}
