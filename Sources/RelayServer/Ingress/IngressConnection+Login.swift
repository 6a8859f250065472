import HTTPMessage
import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// `GET /_tunnel/connect`: a connection becomes an agent's link (docs/protocol.md, "Handshake").
extension IngressConnection {
  func login(_ request: IngressRequest) {
    guard let exchange else { return }
    guard let token = request.authtoken else {
      let error = UserError(
        code: "authtoken-missing", message: "this address is for agents: it wants an authtoken")
      return exchangeRefused(exchange, Problem(error))
    }
    let carrier: Carrier
    switch request.carrier {
    case .success(let asked): carrier = asked
    case .failure(let refusal): return exchangeRefused(exchange, refusal.problem)
    }
    isWaiting = true
    deadline.set(relay.limits.login, on: relay.loop)
    let promise = relay.loop.makePromise(of: Login.self)
    promise.completeWithTask { [store = relay.store] in try await store.login(token) }
    promise.futureResult.assumeIsolated().whenComplete { result in
      guard self.isWaiting, let exchange = self.loginIsAnswered() else { return }
      switch result {
      case .success(let login): self.welcome(login, exchange, carrier)
      case .failure(let error):
        self.refuseLogin(request, exchange, Problem(UserError(relay: error)))
      }
    }
  }

  /// The exchange that is to be answered, if somebody still waits for it.
  private func loginIsAnswered() -> Exchange? {
    isWaiting = false
    deadline.clear()
    guard socket.isOpen, let exchange else { return nil }
    // An agent that has ended its half has given up.
    if socket.hasEnded {
      socket.close()
      return nil
    }
    return exchange
  }

  /// A wrong authtoken's "no" comes at once, until the address has had many of them.
  private func refuseLogin(_ request: IngressRequest, _ exchange: Exchange, _ problem: Problem) {
    guard problem.status == 401, let address = peer.clientAddress(request) else {
      return exchangeRefused(exchange, problem)
    }
    let hold = relay.failedLogins.failed(address.place, at: .now)
    guard hold > .zero else { return exchangeRefused(exchange, problem) }
    isWaiting = true
    relay.loop.assumeIsolated().scheduleTask(in: .nanoseconds(hold.nanoseconds)) {
      guard let exchange = self.loginIsAnswered() else { return }
      self.exchangeRefused(exchange, problem)
    }
  }

  /// The database did not answer in time.
  func loginIsLate() {
    isWaiting = false
    willClose = true
    guard let exchange else { return }
    exchangeRefused(
      exchange, Problem(Refusal(.overloaded, "The authtoken could not be looked up in time.")))
  }

  private func welcome(_ login: Login, _ exchange: Exchange, _ carrier: Carrier) {
    guard relay.hub.mayEnter(login) else {
      return exchangeRefused(
        exchange,
        Problem(
          UserError(
            code: "too-many-sessions", message: "this account has 50 agents connected already")))
    }
    exchange.record.status = 101
    relay.log(exchange.record)
    self.exchange = nil
    deadline.cancel()
    guard let (channel, rest) = socket.leave() else { return }
    relay.open.left(channel)
    let session = RelaySession(id: relay.newID(), login: login, hub: relay.hub)
    var limits = Session.Limits()
    limits.peerStreams = 32
    limits.opens = Bucket(perSecond: 200, burst: 200)
    limits.localStreams = relay.limits.streams
    var hello = Hello(
      streamLimit: 32, install: session.id.wire, instance: session.id.wire,
      clock: WallClock.milliseconds(), label: relay.base.text)
    hello.capabilities = Hello.keepsPolicies | Hello.tcpEndpoints
    let link = Link(
      role: .relay, hello: hello, limits: limits, owner: session, flusher: relay.flusher,
      loop: relay.loop, writeLimit: relay.limits.linkWrite)
    session.begin(link)
    relay.hub.enter(session)
    // Flushed, for a link writes only where nothing waits.
    channel.writeAndFlush(ByteBuffer(string: Handshake.accepted(carrier)), promise: nil)
    do { try LinkChannel.install(link, on: channel, rest: rest, over: carrier) } catch {
      channel.close(promise: nil)
      return session.link(link, ended: .failed("\(error)"))
    }
    relay.hub.sayGoodbye(to: session)
  }
}

extension IngressRequest {
  /// The bearer token of RFC 6750, section 2.1.
  var authtoken: String? {
    guard let value = value(named: "authorization") else { return nil }
    let parts = value.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return String(parts[1])
  }
}
