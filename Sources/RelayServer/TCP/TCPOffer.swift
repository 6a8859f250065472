import TunnelCore

/// The ports that the operator has set aside for TCP endpoints, `--tcp-ports 20000-20099`, and the
/// address that they listen on.
package struct TCPOffer: Sendable, Equatable {
  /// More of them would be handed over as that many sockets.
  package static let mostPorts = 1_000

  /// Without the brackets of an IPv6 literal; nil is where the relay itself listens.
  package var host: String?
  package let ports: ClosedRange<Int>

  /// Reads `20000-20099`, `20000`, and both behind an address: `0.0.0.0:20000-20099`.
  package init(_ text: String) throws(UserError) {
    var range = text[...]
    if let colon = text.lastIndex(of: ":") {
      guard let address = ListenAddress(text[..<colon] + ":0") else {
        throw Self.fault("`\(text[..<colon])` is no address to listen on")
      }
      host = address.host
      range = text[text.index(after: colon)...]
    }
    let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
    guard ends.count <= 2, let first = ends.first, let first, let last = ends.last, let last else {
      throw Self.fault("`\(text)` is no range of ports")
    }
    guard first > 0, first <= last else {
      throw Self.fault("`\(text)` is no range: its first port is above 0 and not behind its last")
    }
    guard Int(last) - Int(first) < Self.mostPorts else {
      throw Self.fault("`\(text)` are more than \(Self.mostPorts) ports")
    }
    ports = Int(first)...Int(last)
  }

  private static func fault(_ message: String) -> UserError {
    UserError(code: "config-value", message: message, fix: "such as 20000-20099")
  }

  /// Where it listens: as the relay does; behind a proxy, which brings no raw connections, on all
  /// addresses.
  func settled(
    beside listen: ListenAddress, isBehindProxy: Bool
  ) throws(UserError) -> TCPOffer {
    guard !ports.contains(listen.port) else {
      throw Self.fault("\(self) holds the relay's own port, \(listen.port)")
    }
    var offer = self
    offer.host = host ?? (isBehindProxy && listen.isLoopback ? "::" : listen.host)
    return offer
  }
}

extension TCPOffer: CustomStringConvertible {
  package var description: String { "\(ports.lowerBound)-\(ports.upperBound)" }
}
