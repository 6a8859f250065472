import Glibc
import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("the user's configuration file")
struct UserConfigFileTests {
  @Test(
    "setting a key changes one line and nothing else",
    arguments: [
      ("", "agent:\n  authtoken: tun_x\n"),
      ("# mine\nversion: 3", "# mine\nversion: 3\nagent:\n  authtoken: tun_x\n"),
      (
        "agent:\n    # relay\n    relay: a\nversion: 3\n",
        "agent:\n    # relay\n    authtoken: tun_x\n    relay: a\nversion: 3\n"
      ),
      (
        "agent:\n  authtoken: old # keep\n  relay: a\n",
        "agent:\n  authtoken: tun_x # keep\n  relay: a\n"
      ),
      ("agent:\n  authtoken: \"old\" # k\n", "agent:\n  authtoken: tun_x # k\n"),
      ("agent: {relay: a, authtoken: 'o'}\n", "agent: {relay: a, authtoken: tun_x}\n"),
      ("agent: {relay: a} # c\n", "agent: {authtoken: tun_x, relay: a} # c\n"),
      ("agent: {}\n", "agent: {authtoken: tun_x}\n"),
      ("agent:\nversion: 3\n", "agent:\n  authtoken: tun_x\nversion: 3\n"),
      ("agent:\n  authtoken:\n", "agent:\n  authtoken: tun_x\n"),
    ])
  func edits(before: String, after: String) throws {
    #expect(try UserConfigEdit.set("authtoken", "tun_x", in: before, path: "f") == after)
  }

  @Test(
    "a file too clever to edit is left alone",
    arguments: [
      "a: &t old\nagent:\n  authtoken: *t\n", "agent:\n  authtoken: >\n    folded\n    text\n",
      "{version: 3}\n", "agent: ~\n",
    ])
  func clever(text: String) {
    let error = #expect(throws: UserError.self) {
      try UserConfigEdit.set("authtoken", "tun_x", in: text, path: "f")
    }
    #expect(error?.code == "config-file")
  }

  @Test("saving makes the folders, keeps the rest, and ends with mode 0600")
  func save() throws {
    let scratch = try Scratch()
    let file = try UserConfigFile(environment: ["HOME": scratch.path])
    try file.save(relay: "http://[::1]:8080", authtoken: "tun_x")
    let text = "agent:\n  authtoken: tun_x\n  relay: \"http://[::1]:8080\"\n"
    #expect(try scratch.text(".config/tunnel/tunnel.yml") == text)
    try #require(chmod(file.path, 0o644) == 0)
    try file.save(authtoken: "tun_y")
    #expect(try scratch.text(".config/tunnel/tunnel.yml").contains("tun_y"))
    #expect(try !SmallFile.read(file.path).isReadableByOthers)
  }

  @Test("a linked file is changed where it lies")
  func linked() throws {
    let scratch = try Scratch()
    let real = try scratch.put("dotfiles/tunnel.yml", "version: 3\n")
    try scratch.put(".config/tunnel/x", "")
    let file = try UserConfigFile(environment: ["HOME": scratch.path])
    try #require(symlink(real, file.path) == 0)
    try file.save(authtoken: "tun_x")
    #expect(try SmallFile.read(real).text.contains("tun_x"))
    var about = stat()
    #expect(lstat(file.path, &about) == 0 && about.st_mode & S_IFMT == S_IFLNK)
  }

  @Test("the install's id is made once, and a broken one is replaced")
  func install() throws {
    let scratch = try Scratch()
    var random = SystemRandomNumberGenerator()
    let home = ["HOME": scratch.path]
    let first = InstallID(environment: home, using: &random)
    #expect(first.warning == nil)
    #expect(InstallID(environment: home, using: &random).id == first.id)
    let path = try scratch.put(".local/state/tunnel/install-id", "nonsense\n")
    let second = InstallID(environment: home, using: &random)
    #expect(second.id != first.id)
    #expect(try SmallFile.read(path).text == "\(second.id)\n")
    #expect(InstallID(environment: [:], using: &random).warning != nil)
    let blocked = InstallID(environment: ["XDG_STATE_HOME": "/dev/null"], using: &random)
    #expect(blocked.warning?.contains("/dev/null/tunnel/install-id cannot be written") == true)
  }
}
