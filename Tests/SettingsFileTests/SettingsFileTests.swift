import Glibc
import SettingsFile
import Testing
import TunnelCore

@Suite("a settings file")
struct SettingsFileTests {
  /// What reading `text` as a small settings file says.
  private func fault(_ text: String, _ use: (SettingsNode) throws -> Void = { _ in }) -> String {
    do {
      let root = try SettingsFile.parse(text, path: "/home/a/tunnel.yml")
      try use(root)
      return "no fault"
    } catch let error as UserError {
      #expect(error.exit == .configuration)
      return "error[\(error.code)]: \(error.message)"
    } catch {
      return "\(error)"
    }
  }

  @Test("an unknown key is named with its line and the nearest key")
  func unknownKey() {
    let text = "version: 3\nagent:\n  relay: x\n  upstrem: 3\n"
    let said = fault(text) { root in
      try root.map("agent")?.refuseUnknown(["relay", "upstream"])
    }
    #expect(
      said == "error[config-key]: /home/a/tunnel.yml:4: unknown key `upstrem`, expected upstream")
  }

  @Test("an unknown key that resembles none is answered with the list")
  func unknownKeyList() {
    let said = fault("zzzzzzzz: 1\n") { try $0.refuseUnknown(["agent", "endpoints"]) }
    let wanted = "unknown key `zzzzzzzz`, expected one of agent, endpoints"
    #expect(said == "error[config-key]: /home/a/tunnel.yml:1: \(wanted)")
  }

  @Test(
    "a value of the wrong kind is named with its line and path",
    arguments: [
      ("a:\n  b: [1]\n", "2: `a.b` must be a text, not a list"),
      ("a:\n  b: {c: 1}\n", "2: `a.b` must be a text, not a mapping"),
      ("a: 3\n", "1: `a` must be a mapping of keys, not `3`"),
      ("a:\n- b: 1\n", "2: `a` must be a mapping of keys, not a list"),
    ])
  func wrongKind(text: String, message: String) {
    let said = fault(text) { _ = try $0.map("a")?.string("b") }
    #expect(said == "error[config-value]: /home/a/tunnel.yml:\(message)")
  }

  @Test(
    "a number is checked with its range",
    arguments: [
      ("n: 70000", "`n` must be 1 to 65535, not `70000`"),
      ("n: no", "`n` must be a whole number, not `no`"),
      ("n: 1.5", "`n` must be a whole number, not `1.5`"),
      ("n: 3000", "no fault"), ("n: '3000'", "no fault"), ("n:", "no fault"),
    ])
  func numbers(text: String, message: String) {
    let said = fault(text) { _ = try $0.int("n", in: 1...65535) }
    #expect(said.hasSuffix(message))
  }

  @Test("true and false are bools, their quoted twins are not")
  func bools() throws {
    let root = try SettingsFile.parse("a: true\nb: false\nc: 'true'\n", path: "f")
    #expect(try root.bool("a") == true)
    #expect(try root.bool("b") == false)
    #expect(try root.bool("d") == nil)
    #expect(throws: UserError.self) { try root.bool("c") }
  }

  @Test(
    "what is no YAML says where",
    arguments: [
      ("a: [1\nb: 2\n", "/home/a/tunnel.yml:2: "),
      ("a: 1\n\tb: 2\n", "/home/a/tunnel.yml:2: "),
      ("a: *nobody\n", "/home/a/tunnel.yml:1: found undefined alias"),
      ("a: 1\n---\nb: 2\n", "/home/a/tunnel.yml:"),
      (
        "x: 1\na: 1\na: 2\n",
        "/home/a/tunnel.yml:2: the key `a` is here and once more below"
      ),
    ])
  func syntax(text: String, start: String) {
    #expect(fault(text).hasPrefix("error[config-syntax]: " + start))
    #expect(!fault(text).contains("\n"))
  }

  @Test("anchors and aliases are resolved")
  func aliases() throws {
    let root = try SettingsFile.parse("a: &x {k: v}\nb: *x\n", path: "f")
    #expect(try root.map("b")?.string("k") == "v")
  }

  @Test("a tree blown up by aliases is refused")
  func bomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...7 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    #expect(fault(text).contains("more than 100000 values"))
  }

  @Test("an empty file is an empty mapping")
  func empty() throws {
    let root = try SettingsFile.parse("# nothing\n", path: "f")
    #expect(try root.entries().isEmpty)
    #expect(try root.string("a") == nil)
  }

  @Test("a missing file is nil, a folder is a fault")
  func files() throws {
    #expect(try SettingsFile.read("/nonexistent/tunnel.yml") == nil)
    let error = #expect(throws: UserError.self) { try SettingsFile.read("/") }
    #expect(error?.code == "config-file")
  }

  @Test("bytes that are no UTF-8 are named by their line, and a huge file is refused")
  func bytes() throws {
    let path = "/tmp/settings-file-test-\(getpid()).yml"
    defer { unlink(path) }
    try put(Array("a: 1\nb: ".utf8) + [0xff, 10], at: path)
    let error = #expect(throws: UserError.self) { try SettingsFile.read(path) }
    #expect(error?.message == "\(path):2: not valid UTF-8")
    try put(Array(repeating: 35, count: SettingsFile.largest + 1), at: path)
    let large = #expect(throws: UserError.self) { try SettingsFile.read(path) }
    #expect(large?.message == "\(path) is larger than 1 MiB")
  }

  private func put(_ bytes: [UInt8], at path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    try #require(write(file, bytes, bytes.count) == bytes.count)
  }
}
