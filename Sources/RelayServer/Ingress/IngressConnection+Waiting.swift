import NIOCore
import SessionLink
import TunnelCore

/// A request whose head is kept until the agent of its endpoint is back.
///
/// A class: a connection has room for one at any time, and seldom has one.
final class WaitingRequest {
  let request: IngressRequest
  /// Of its body, what came with the head; the rest is not read meanwhile.
  let body: ByteBuffer
  let endpoint: Endpoint

  init(request: IngressRequest, body: ByteBuffer, endpoint: Endpoint) {
    self.request = request
    self.body = body
    self.endpoint = endpoint
  }
}

extension IngressConnection {
  func wait(
    _ exchange: Exchange, _ request: IngressRequest, _ body: ByteBuffer, for endpoint: Endpoint
  ) {
    guard !socket.hasEnded, relay.hub.wait(self, for: endpoint) else {
      return exchangeRefused(exchange, Problem(Directions.offline(endpoint.host)))
    }
    isWaiting = true
    waiting = WaitingRequest(request: request, body: body, endpoint: endpoint)
  }

  /// The endpoint is served again, or nobody came.
  func goOn() {
    guard let held = waiting, let exchange, socket.isOpen else { return }
    waiting = nil
    isWaiting = false
    direct(exchange, held.request, held.body, at: .now)
    if !isWaiting { socketRead(socket) }
  }

  /// The client has ended its side. Most likely it has given up: what it asked for must not reach
  /// the app behind its back, and one that only says no more is told so.
  func stopWaiting() {
    guard let held = forgetWaiting(), let exchange else { return }
    exchangeRefused(exchange, Problem(Directions.offline(held.endpoint.host)))
  }

  @discardableResult
  func forgetWaiting() -> WaitingRequest? {
    guard let held = waiting else { return nil }
    waiting = nil
    isWaiting = false
    relay.hub.forget(self, at: held.endpoint)
    return held
  }
}
