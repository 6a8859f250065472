import NIOCore
import SessionLink
import TunnelCore

/// What a connection waits for, and until when (limits.md, "Public side"). One deadline is enough:
/// it never waits for two things.
extension IngressConnection {
  // MARK: - A head

  /// First head from accept, later heads from their first byte.
  func expectHead(in limit: TimeAmount) {
    headHasBegun = true
    deadline.set(limit, on: relay.loop)
  }

  /// Between two exchanges: nothing has begun, and nothing need come.
  func expectNothing() {
    headHasBegun = false
    deadline.set(relay.limits.idle, on: relay.loop)
  }

  // MARK: - A body

  /// More of the body may come from here on. That it need not any more, because it is whole, or its
  /// app has no room or has begun to answer, is looked at when the time is over.
  func awaitBody() {
    guard let exchange, !requestIsWhole, !awaitsContinue, !exchange.hasAnswered else { return }
    deadline.set(relay.limits.body, on: relay.loop)
  }

  /// The app has asked for the body.
  func continued() {
    awaitsContinue = false
    awaitBody()
  }

  private func bodyIsLate(_ exchange: Exchange) {
    if requestIsWhole || isPaused || exchange.hasAnswered { return }
    let seconds = relay.limits.body.nanoseconds / 1_000_000_000
    refuse(
      Problem(
        Refusal(.requestTimeout, "Nothing more of the request's body came for \(seconds) s.")))
  }

  func deadlineMet() {
    // While an answer still leaves, the limits on its writing and the relay's drain decide.
    if lingers {
      return socket.isSending ? deadline.set(Self.lastLingerTime, on: relay.loop) : socket.abort()
    }
    if isWaiting { return waiting == nil ? loginIsLate() : () }
    if let exchange { return bodyIsLate(exchange) }
    if socket.unread.readableBytes == 0 { return socket.close() }
    let seconds = relay.limits.firstHead.nanoseconds / 1_000_000_000
    refuse(
      Problem(Refusal(.requestTimeout, "The request's head did not come within \(seconds) s.")))
  }
}
