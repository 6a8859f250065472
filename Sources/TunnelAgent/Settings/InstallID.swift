import TunnelCore

/// This machine's name for itself, kept in `$XDG_STATE_HOME/tunnel/install-id` (mode 0600), so
/// that a restarted agent is known to be the same install.
package struct InstallID: Sendable {
  package let id: ID
  /// Why the id could not be kept; it is then good for this run alone.
  package let warning: String?

  package init(environment: [String: String], using random: inout some RandomNumberGenerator) {
    let fresh = ID.random(using: &random)
    guard let path = Folders(environment: environment).state.map({ $0 + "/install-id" }) else {
      self.init(id: fresh, warning: "no HOME: this install has no id of its own")
      return
    }
    if let kept = InstallID.read(path) {
      self.init(id: kept, warning: nil)
      return
    }
    do {
      // A file that is there and holds no id is replaced; else the first of two agents wins.
      try SmallFile.write(
        "\(fresh)\n", to: path, replacing: SmallFile.exists(path))
      self.init(id: fresh, warning: nil)
    } catch {
      if let kept = InstallID.read(path) {
        self.init(id: kept, warning: nil)
      } else {
        let why = "\(path) cannot be written (\(error.text))"
        self.init(id: fresh, warning: "\(why): this install is a new one at every start")
      }
    }
  }

  private init(id: ID, warning: String?) {
    self.id = id
    self.warning = warning
  }

  private static func read(_ path: String) -> ID? {
    (try? SmallFile.read(path, most: 4096)).flatMap { ID($0.text.firstLine) }
  }
}
