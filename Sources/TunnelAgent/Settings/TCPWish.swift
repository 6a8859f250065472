import TunnelCore

/// The relay's TCP port that a person asks for: one by its number, or the one that the account has
/// for a label, which is the endpoint's name or the app's address.
package struct TCPWish: Sendable, Hashable {
  /// Nil: whichever the relay gives.
  var port: UInt16?
  /// As it was written before the port; the relay knows whether it is its own.
  var host: DomainName?
  var label = ""

  init(port: UInt16? = nil, host: DomainName? = nil, label: String = "") {
    self.port = port
    self.host = host
    self.label = label
  }

  static func isMeant(by text: String) -> Bool { text.lowercased().hasPrefix("tcp:") }

  /// Reads `tcp://tunnel.example.com:20007`.
  init(url text: String) throws(ValueFault) {
    guard let address = TCPAddress(text) else {
      throw ValueFault(
        "`\(text)` is no address of a TCP endpoint", fix: "such as tcp://tunnel.example.com:20007")
    }
    self.init(port: UInt16(address.port), host: address.host)
  }

  /// Where a domain would stand; empty before the relay has said it.
  var name: String {
    guard let host, let port else { return "" }
    return TCPAddress(host: host, port: Int(port)).name
  }
}
