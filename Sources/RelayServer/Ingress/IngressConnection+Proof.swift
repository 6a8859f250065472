import NIOCore
import SessionLink
import TunnelCore

/// A request whose password nobody has said before: it waits until that was looked at.
extension IngressConnection {
  func prove(
    _ exchange: Exchange, _ request: IngressRequest, _ body: ByteBuffer, _ proof: PasswordProof
  ) {
    do throws(Refusal) {
      try proof.passwords.check(proof, relay.passwords) { isKnown in
        // The client may have left, and its connection may be in another exchange.
        guard self.isWaiting, self.exchange === exchange, self.socket.isOpen else { return }
        self.isWaiting = false
        if isKnown {
          self.direct(exchange, request, body, at: .now)
        } else {
          self.exchangeRefused(
            exchange, Problem(Refusal(.overloaded, "The password could not be looked at.")))
        }
        if !self.isWaiting { self.socketRead(self.socket) }
      }
    } catch {
      return exchangeRefused(exchange, Problem(error))
    }
    isWaiting = true
  }
}
