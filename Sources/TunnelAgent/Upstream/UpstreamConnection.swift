import HTTPMessage
import NIOCore
import SessionLink
import TunnelCore

/// One connection to the app: resting in the pool, or lent to one exchange.
final class UpstreamConnection: SocketUser {
  let socket: JoinedSocket
  /// Of the exchange in hand; its memory serves the next one.
  var answers = ResponseReader()
  /// Whether an exchange has used it before: only then may a sudden end be old news.
  private(set) var isReused = false
  /// Nil again once the exchange has given it back or closed it.
  private var exchange: UpstreamExchange?
  private var restsSince: Moment?
  private var keepAlive: Duration?
  /// Where it rests; told when the app closes it there.
  private var pool: UpstreamPool?

  init(_ socket: JoinedSocket) {
    self.socket = socket
    socket.attach(self)
  }

  func lend(to exchange: UpstreamExchange) {
    self.exchange = exchange
    restsSince = nil
    pool = nil
  }

  func rest(at now: Moment, in pool: UpstreamPool) {
    exchange = nil
    isReused = true
    restsSince = now
    self.pool = pool
    socket.resumeReading()
  }

  /// What the app's `Keep-Alive: timeout` promised.
  func allow(_ seconds: Int?) { keepAlive = seconds.map { .seconds($0) } }

  func isFresh(at now: Moment, _ limit: Duration) -> Bool {
    guard socket.isOpen, !socket.hasEnded, socket.unread.readableBytes == 0, let restsSince
    else { return false }
    let rested = now - restsSince
    if let keepAlive, rested >= keepAlive - .milliseconds(500) { return false }
    return rested < limit
  }

  func close() {
    exchange = nil
    pool = nil
    socket.close()
  }

  // MARK: - SocketUser

  func socketRead(_ socket: JoinedSocket) {
    if let exchange { return exchange.answerRead() }
    // Bytes that nobody asked for: whatever they are, they answer no request of ours.
    if socket.unread.readableBytes > 0 { leave() }
  }

  func socketEnded(_ socket: JoinedSocket) {
    if let exchange { exchange.answerEnded() } else { leave() }
  }

  func socketClosed(_ socket: JoinedSocket) {
    if let exchange { exchange.answerEnded() } else { leave() }
  }

  private func leave() {
    pool?.lost(self)
    close()
  }
}
