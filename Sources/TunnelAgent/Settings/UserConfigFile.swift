import SettingsFile
import TunnelCore

/// The user's `tunnel.yml`, where `login` keeps the relay's address and the authtoken. Everything
/// else in it, comments too, stays as it is; the file ends with mode 0600, whole or unchanged.
package struct UserConfigFile: Sendable {
  package let path: String

  /// Throws `config-file` (78) where no home folder is known.
  package init(environment: [String: String]) throws(UserError) {
    guard let path = Folders(environment: environment).userFile else {
      throw UserError(
        code: "config-file", message: "no home folder is known for the configuration file",
        fix: "set HOME or XDG_CONFIG_HOME", exit: .configuration)
    }
    self.path = path
  }

  /// Sets what is not nil below `agent:`. Throws `config-syntax`, `config-file`.
  package func save(
    relay: String? = nil, authtoken: String? = nil, ca: String? = nil
  ) throws(UserError) {
    var text = ""
    do {
      text = try SmallFile.read(path).text
    } catch {
      if !error.isMissing { throw fault("cannot be read: \(error.text)") }
    }
    if let relay { text = try UserConfigEdit.set("relay", relay, in: text, path: path) }
    if let authtoken {
      text = try UserConfigEdit.set("authtoken", authtoken, in: text, path: path)
    }
    if let ca { text = try UserConfigEdit.set("ca", ca, in: text, path: path) }
    do {
      try SmallFile.write(text, to: path)
    } catch {
      throw fault("cannot be written: \(error.text)")
    }
  }

  private func fault(_ what: String) -> UserError {
    UserError(
      code: "config-file", message: "\(path) \(what)", fix: nil, exit: .configuration)
  }
}
