import Glibc
import Testing

@testable import TunnelAgent

@Suite("port file")
struct PortFileTests {
  private let scratch: Scratch
  private var path: String { "\(scratch.path)/tunnel" }

  init() throws { scratch = try Scratch() }

  private func mode(_ path: String) -> mode_t {
    var about = stat()
    return lstat(path, &about) == 0 ? about.st_mode & 0o777 : 0
  }

  private func content(_ pid: pid_t, _ domains: [String] = []) -> PortFile.Content {
    PortFile.Content(pid: pid, webAddress: "127.0.0.1:4040", domains: domains)
  }

  @Test("it is written, written anew when the names change, and removed once")
  func life() throws {
    let folder = try PortFolder(making: path)
    let file = try PortFile(in: folder, content(getpid()))
    let name = "tunnel/\(getpid()).json"
    #expect(mode(path) == 0o700 && mode("\(scratch.path)/\(name)") == 0o600)
    #expect(
      try scratch.text(name)
        == "{\"pid\":\(getpid()),\"web_addr\":\"127.0.0.1:4040\",\"domains\":[]}\n")
    file.domains(["mine.example"])
    #expect(folder.files == [content(getpid(), ["mine.example"])])
    #expect(folder.names.filter { !$0.hasPrefix(".") } == ["\(getpid()).json"])
    file.remove()
    file.domains(["other.example"])
    #expect(folder.files == [])
  }

  @Test("files of processes that are gone are removed, and nothing else")
  func tidied() throws {
    // The number of a process that was, and is no more.
    let gone = finished()
    let folder = try PortFolder(making: path)
    for name in ["\(gone).json", "\(gone).json.new", "notes.json", "x.txt", "1.2.json"] {
      try scratch.put("tunnel/\(name)", content(gone).text)
    }
    try scratch.put("tunnel/\(getpid()).json", content(gone).text)
    try scratch.put("tunnel/\(getppid()).json", "{")
    #expect(folder.files == [])
    let left = folder.names.filter { !$0.hasPrefix(".") }
    #expect(
      Set(left) == ["notes.json", "x.txt", "1.2.json", "\(getpid()).json", "\(getppid()).json"])
  }

  private func finished() -> pid_t {
    var pid: pid_t = 0
    posix_spawn(&pid, "/bin/true", nil, nil, [nil], [nil])
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    return pid
  }

  @Test("no folder is no agent")
  func missing() throws {
    #expect(try PortFolder(reading: path) == nil)
    #expect(throws: PortFolder.Fault.self) { try PortFolder(making: "\(path)/below/nothing") }
  }

  @Test("a link in place of the folder is not followed, nor is a file taken for one")
  func links() throws {
    try scratch.put("real/x", "")
    #expect(symlink("\(scratch.path)/real", path) == 0)
    #expect(throws: PortFolder.Fault.self) { try PortFolder(making: path) }
    #expect(throws: PortFolder.Fault.self) { try PortFolder(reading: path) }
    #expect(throws: PortFolder.Fault.self) { try PortFolder(reading: "\(scratch.path)/real/x") }
  }

  @Test("a link in the folder is not followed either")
  func inner() throws {
    let folder = try PortFolder(making: path)
    try scratch.put("target", content(getpid()).text)
    #expect(symlink("\(scratch.path)/target", "\(path)/\(getpid()).json") == 0)
    #expect(folder.files == [])
    let file = try PortFile(in: folder, content(getpid()))
    #expect(folder.files == [content(getpid())])
    file.remove()
    #expect(try scratch.text("target") == content(getpid()).text)
  }

  @Test("another user's folder is not used", .enabled(if: geteuid() == 0))
  func foreign() throws {
    #expect(mkdir(path, 0o700) == 0 && chown(path, 65_534, 65_534) == 0)
    #expect(throws: PortFolder.Fault(path: path, why: "it belongs to another user")) {
      try PortFolder(making: path)
    }
  }

  @Test("a folder that others may read becomes this user's alone")
  func narrowed() throws {
    #expect(mkdir(path, 0o755) == 0)
    _ = try PortFolder(making: path)
    #expect(mode(path) == 0o700)
  }

  @Test("a file that is too long for one is none")
  func long() throws {
    let folder = try PortFolder(making: path)
    let names = [String](repeating: "mine.example", count: 6_000)
    try scratch.put("tunnel/\(getpid()).json", content(getpid(), names).text)
    #expect(folder.files == [])
  }

  @Test("the place: the runtime folder, else one in /tmp that has the user's number")
  func place() {
    #expect(
      Folders(environment: ["XDG_RUNTIME_DIR": "/run/user/7"]).runtime == "/run/user/7/tunnel")
    #expect(Folders(environment: ["XDG_RUNTIME_DIR": "run"]).runtime == "/tmp/tunnel-\(geteuid())")
  }
}
