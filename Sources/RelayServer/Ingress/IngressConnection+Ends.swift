import HTTPMessage
import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// How exchanges end, and what becomes of the connection then.
extension IngressConnection {
  func exchangeEnded(_ exchange: Exchange) {
    if !requestIsWhole {
      // The app answered early: what still comes of the request is nobody's.
      exchange.cancel(Farewell(.done, blame: .upstream))
      willClose = true
    } else {
      exchange.pipe?.done()
    }
    leave(exchange)
  }

  /// The relay's own no is the answer.
  func exchangeRefused(_ exchange: Exchange, _ problem: Problem) {
    // Who sends what is no good request is not listened to any further.
    if !requestIsWhole || problem.status == 400 { willClose = true }
    exchange.record.refused(problem)
    relay.refusals.add(problem.code)
    answer(problem, to: exchange.record)
    leave(exchange)
  }

  /// Half an answer is out: the connection's end must tell the client so.
  func exchangeBroke(_ exchange: Exchange) {
    relay.log(exchange.record)
    self.exchange = nil
    if exchange.endsByClosing { return socket.abort() }
    lingers = true
    deadline.set(Self.lingerTime, on: relay.loop)
    socket.close()
  }

  private func leave(_ exchange: Exchange) {
    relay.log(exchange.record)
    self.exchange = nil
    isPaused = false
    if willClose { return closeGently() }
    reader.restart()
    expectNothing()
    socket.flush()
    if socket.unread.readableBytes > 0 || socket.hasEnded { socketRead(socket) } else { gate() }
  }

  /// What is no message is answered once, and the connection ends.
  func refuseMessage(_ fault: MessageFault) {
    if fault == .malformed(.reservedMethod), isFresh, !peer.isSecure, !socket.isStream {
      return goOnInHTTP2()
    }
    refuse(Problem(Refusal(fault)))
  }

  /// The client knows without TLS that HTTP/2 is spoken here (RFC 9113, section 3.3).
  private func goOnInHTTP2() {
    deadline.cancel()
    guard let (channel, read) = socket.leave() else { return }
    do { try HTTP2Connection.install(relay, on: channel, peer: peer, read: read) } catch {
      channel.close(promise: nil)
    }
  }

  func refuse(_ problem: Problem) {
    willClose = true
    if let exchange {
      exchange.abandon()
      if exchange.hasAnswered { return exchangeBroke(exchange) }
      return exchangeRefused(exchange, problem)
    }
    let record = ExchangeRecord(
      client: peer.text, receivedAt: WallClock.milliseconds(), id: relay.newID(), at: .now)
    record.refused(problem)
    answer(problem, to: record)
    relay.log(record)
    closeGently()
  }

  private func answer(_ problem: Problem, to record: ExchangeRecord) {
    socket.write(RefusalAnswer.bytes(problem, to: record, close: willClose))
  }

  // MARK: - The far side

  /// The answer came; an upgrade that was declined ends its request now.
  func endRequest() {
    _ = exchange?.pipe?.send(ByteBuffer(), end: true)
  }

  func farSideHasRoom() {
    isPaused = false
    awaitBody()
    socketRead(socket)
  }

  /// The app wants no more of this request; its answer may still come.
  func farSideTakesNoMore() {
    discardsBody = true
    if let exchange, exchange.isRaw {
      // What the client still says has nowhere to go.
      rawEnds.client = true
      return closeIfRawIsOver()
    }
    farSideHasRoom()
  }

  // MARK: - After 101: bytes both ways

  func goesRaw() {
    deadline.clear()
    socket.writeLimit = nil
    socketRead(socket)
  }

  func passRaw(_ exchange: Exchange) {
    guard !isPaused, let pipe = exchange.pipe else { return gate() }
    let bytes = socket.unread
    socket.unread = ByteBuffer()
    let ends = socket.hasEnded && !rawEnds.client
    rawEnds.client = rawEnds.client || ends
    if bytes.readableBytes > 0 || ends {
      exchange.record.bytesIn += UInt64(bytes.readableBytes)
      if !pipe.send(bytes, end: ends) { isPaused = !ends }
    }
    gate()
    closeIfRawIsOver()
  }

  func farSideEnded() {
    rawEnds.far = true
    closeIfRawIsOver()
  }

  private func closeIfRawIsOver() {
    guard rawEnds.client, rawEnds.far, let exchange else { return }
    exchange.switchedIsOver()
    relay.log(exchange.record)
    self.exchange = nil
    closeGently()
  }

  // MARK: - The client's end

  func socketEnded(_ socket: JoinedSocket) {
    if lingers { return socket.close() }
    stopWaiting()
    // What was read before the end is still worked off: whole requests, the rest of a body.
    socketRead(socket)
  }

  /// Half a request is no request: the app's is cancelled, and nobody waits for an answer.
  func clientLeft(_ exchange: Exchange) {
    exchange.abandon()
    exchangeBroke(exchange)
  }

  func socketClosed(_ socket: JoinedSocket) {
    deadline.cancel()
    forgetWaiting()
    guard let exchange else { return }
    exchange.abandon()
    relay.log(exchange.record)
    self.exchange = nil
  }

  /// Reads while there is somebody to take it, and always so far that a client's end is seen.
  func gate() {
    guard socket.unread.readableBytes > 0 || isPaused else { return socket.resumeReading() }
    let full =
      if let exchange {
        isPaused || isWaiting || (requestIsWhole && !exchange.isRaw)
      } else {
        isWaiting || socket.mustWait()
      }
    if full { socket.pauseReading() } else { socket.resumeReading() }
  }

  // MARK: - Closing

  /// Ends this side, and lets the client finish what it is saying: closing at once would reset
  /// the connection, and the answer with it.
  func closeGently() {
    guard !lingers, socket.isOpen else { return }
    lingers = true
    deadline.set(relay.isDraining ? Self.lastLingerTime : Self.lingerTime, on: relay.loop)
    if socket.hasEnded { return socket.close() }
    socket.endOutput()
    socket.resumeReading()
    linger()
  }

  /// The relay leaves. An exchange that runs is the last one here; its answer says so if it still
  /// can, and where another relay takes over nobody closes behind one that does not. What rests is
  /// closed, or has its next request answered too.
  func windDown(closesIdle: Bool) {
    if lingers { return deadline.set(Self.lastLingerTime, on: relay.loop) }
    if let exchange {
      willClose = willClose || closesIdle || !exchange.hasAnswered
    } else if closesIdle, socket.unread.readableBytes == 0 {
      socket.close()
    }
  }

  func linger() {
    lingered += socket.unread.readableBytes
    socket.unread = ByteBuffer()
    if lingered > Self.lingerBytes { socket.abort() }
  }
}
