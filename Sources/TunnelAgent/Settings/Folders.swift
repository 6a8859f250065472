import Glibc

/// Where this user's files lie (XDG Base Directory 0.8); a relative path in a variable counts as
/// unset, as it says there. Nil where not even HOME is known.
package struct Folders: Sendable, Equatable {
  /// `tunnel.yml` of the user.
  package let userFile: String?
  /// A local relay's data, with its address and its first account's token.
  package let localRelay: String?
  package let state: String?
  /// Where running agents can be found; see `PortFolder`.
  package let runtime: String

  package init(environment: [String: String]) {
    let home = Folders.absolute(environment["HOME"])
    func folder(_ variable: String, _ standard: String) -> String? {
      Folders.absolute(environment[variable]) ?? home.map { $0 + standard }
    }
    userFile = folder("XDG_CONFIG_HOME", "/.config").map { $0 + "/tunnel/tunnel.yml" }
    localRelay = folder("XDG_DATA_HOME", "/.local/share").map { $0 + "/tunnel-relay" }
    state = folder("XDG_STATE_HOME", "/.local/state").map { $0 + "/tunnel" }
    runtime =
      Folders.absolute(environment["XDG_RUNTIME_DIR"]).map { $0 + "/tunnel" }
      ?? "/tmp/tunnel-\(geteuid())"
  }

  private static func absolute(_ path: String?) -> String? {
    guard var path, path.hasPrefix("/") else { return nil }
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
