/// How a link's bytes travel once the handshake is over (docs/protocol.md, "Getting a session").
/// Both carry the same frames.
package enum Carrier: Sendable, Equatable {
  /// As they are, right behind the 101.
  case raw
  /// In binary WebSocket messages whose borders mean nothing: for paths that pass nothing else.
  case webSocket(WebSocketKey)
}
