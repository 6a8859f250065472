/// Which release this is: one number for relay and agent.
package enum Release {
  package static let version = "0.1.0"
}
