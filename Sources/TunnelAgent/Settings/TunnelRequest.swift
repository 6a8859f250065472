/// What a command line asks of a tunnel, in the words it used.
package struct TunnelRequest: Sendable, Equatable {
  package struct Given: Sendable, Equatable {
    /// The flag's long name; `tunnel` for a target.
    package let name: String
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// In the order of the command line.
  package var flags: [Given] = []
  package var targets: [String] = []
  /// The words `http` and `tcp` were said.
  package var isHTTP = false
  package var isTCP = false

  package init() {}

  package func values(_ name: String) -> [Given] {
    flags.filter { $0.name == name }
  }

  /// Whether a flag without a value is on; the last one counts.
  package func isOn(_ name: String) -> Bool {
    values(name).last?.value == "true"
  }
}
