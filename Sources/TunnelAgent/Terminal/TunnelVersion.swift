/// The agent's version, which follows https://semver.org.
package enum TunnelVersion {
  package static let number = "0.1.0"
  /// What `tunnel version` prints and the banner begins with.
  package static let line = "tunnel \(number)"
}
