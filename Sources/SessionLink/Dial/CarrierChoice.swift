/// `--transport`: which carrier may be used.
package enum Transport: String, CaseIterable, Sendable { case auto, raw, websocket }

/// Which carrier a dial offers first, and what it does when something in between does not let
/// that one pass. With `auto` what worked once goes first from then on; the other one is tried
/// again only when it fails.
package struct CarrierChoice: Sendable {
  package enum Kind: Sendable { case raw, webSocket }

  private let transport: Transport
  private var first: Kind
  private var isSecond = false

  package init(_ transport: Transport) {
    self.transport = transport
    first = transport == .websocket ? .webSocket : .raw
  }

  /// A dial begins.
  package mutating func begin() -> Kind {
    isSecond = false
    return first
  }

  /// Something did not let it pass: what to offer now, on a fresh connection; nil for nothing.
  package mutating func blocked() -> Kind? {
    guard transport == .auto, !isSecond else { return nil }
    isSecond = true
    return first == .raw ? .webSocket : .raw
  }

  package mutating func worked(_ kind: Kind) { first = kind }
}

extension CarrierChoice.Kind {
  /// The carrier itself, a WebSocket with a key of its own.
  package var carrier: Carrier {
    switch self {
    case .raw: .raw
    case .webSocket: .webSocket(.random())
    }
  }
}
