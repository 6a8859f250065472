import Logging
import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// How a run ended.
package struct AgentEnd: Sendable {
  let exit: ExitCode
  let error: UserError?
}

/// One agent process's session with the relay: dials, serves, dials again, and ends.
/// Belongs to one event loop; what it has to tell goes out as `AgentEvent`s.
package final class Agent: LinkOwner {
  /// product.md, "Ends": what is over within this is whole.
  private static let graceOfStop = TimeAmount.seconds(3)

  private let settings: AgentSettings
  private let way: LinkDial
  private let loop: any EventLoop
  private let flusher: TickFlusher
  private let pool: UpstreamPool
  private let news: News
  private let report: (UpstreamExchange) -> Void
  private let end: EventLoopPromise<AgentEnd>
  private let instance: ID
  private var random = SystemRandomNumberGenerator()
  private var schedule = ReconnectSchedule()
  private var link: Link?
  private var wantsWake = false
  /// The code of the last trouble whose fix was said.
  private var adviceGiven: String?
  /// Set while the next try is only waited for.
  private var redial: Scheduled<Void>?
  private var serving: (endpoint: WireID, epoch: UInt64)?
  private var heldEpoch: UInt64 = 0
  private var wasReady = false
  private var isStopping = false
  private(set) var hasEnded = false

  package init(
    _ settings: AgentSettings, _ dialer: Dialer, loop: any EventLoop,
    end: EventLoopPromise<AgentEnd>, logger: Logger,
    tell: @escaping @Sendable ([AgentEvent]) -> Void
  ) {
    self.settings = settings
    way = LinkDial(settings, dialer, loop, logger)
    self.loop = loop
    self.end = end
    flusher = TickFlusher(loop)
    news = News(flusher, tell)
    report = { [news] exchange in news.add(.request(exchange.report)) }
    pool = UpstreamPool(
      host: settings.upstream.host, port: settings.upstream.port, loop: loop, flusher: flusher)
    instance = ID.random(using: &random)
  }

  // MARK: - Dialing

  package func dial() {
    redial = nil
    guard !isStopping, !hasEnded else { return }
    way.start { outcome in
      if self.isStopping || self.hasEnded {
        if case .link(let channel, _, _) = outcome { channel.close(promise: nil) }
        return
      }
      switch outcome {
      case .link(let channel, let rest, let carrier): self.begin(channel, rest, carrier)
      case .refused(let answer): self.refused(answer)
      case .stranger(let answer):
        self.away(.refused, RelayProblem.stranger(answer, relay: self.settings.relay).message)
      case .failed(let error): self.unreachable(error)
      }
    }
  }

  /// The reason of the wait, and once the way out of it.
  private func unreachable(_ error: UserError) {
    away(.unreachable, error.message)
    if error.code == adviceGiven { return }
    adviceGiven = error.code
    if let fix = error.fix, error.code.hasPrefix("tls-") || error.code.hasPrefix("proxy-") {
      news.add(.warning("\(fix) (`tunnel explain \(error.code)`)"))
    }
  }

  private func begin(_ channel: any Channel, _ rest: ByteBuffer, _ carrier: Carrier) {
    let hello = Hello(
      streamLimit: 4_096, install: settings.install.wire, instance: instance.wire,
      clock: WallClock.milliseconds(), label: MachineLabel.text)
    let link = Link(
      role: .agent, hello: hello, limits: Session.Limits(), owner: self, flusher: flusher,
      loop: loop)
    self.link = link
    do {
      try LinkChannel.install(link, on: channel, rest: rest, over: carrier)
    } catch {
      self.link = nil
      away(.closed, "\(error)")
    }
  }

  /// The relay answered the handshake with a problem instead.
  private func refused(_ answer: RelayAPI.Answer) {
    let error = RelayProblem.error(answer, relay: settings.relay)
    switch answer.status {
    case 401, 403, 426:
      if error.code == "relay-answer" { away(.refused, error.message) } else { finish(error) }
    default: away(.refused, error.message)
    }
  }

  private func away(_ cause: ReconnectSchedule.Cause, _ reason: String) {
    if isStopping { return finish(.ok) }
    let delay = schedule.delay(after: cause, at: .now, using: &random)
    news.add(
      .reconnecting(reason: reason, retryMilliseconds: UInt64(delay.nanoseconds / 1_000_000)))
    redial = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) { self.dial() }
  }

  // MARK: - LinkOwner

  package func link(_ link: Link, said hello: Hello) { declare() }

  private func declare() {
    var serve = Serve(request: 1, wish: settings.domain.wish)
    serve.heldEpoch = heldEpoch
    serve.project = settings.project ?? ""
    link?.send(.serve(serve))
  }

  package func link(_ link: Link, said control: Control) {
    switch control {
    case .serving(_, let endpoint, let epoch, let url, let claimed):
      serving = (endpoint, epoch)
      heldEpoch = epoch
      schedule.ready()
      online(url, claimed: claimed)
    case .refused(_, let code, let message, let fix):
      finish(.refused(code, message, fix))
    case .replaced(_, _, let owner, _):
      news.add(.replaced(by: owner))
      finish(.ok)
    case .standby(_, _, let owner, let since):
      serving = nil
      news.add(.standby(owner: owner, since: since))
    case .notice(_, let text): news.add(.warning(text))
    case .serve, .stop: break
    }
  }

  private func online(_ url: String, claimed: Bool) {
    adviceGiven = nil
    if wasReady { return news.add(.online) }
    wasReady = true
    StartupCode.giveBack()
    let domain = String(url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != ":" && $0 != "/" })
    if claimed { news.add(.claimed(domain: domain)) }
    news.add(.ready(url: url, upstream: "\(settings.upstream)", domain: domain))
  }

  package func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? {
    guard open.kind == .http else { return nil }
    guard let serving, open.endpoint == serving.endpoint, open.epoch >= serving.epoch else {
      let farewell = Farewell(.staleEpoch, blame: .relay)
      port.stop(farewell)
      port.reset(farewell)
      return nil
    }
    return UpstreamExchange(
      port, id: ID(open.exchange), receivedAt: open.receivedAt, pool: pool, loop: loop,
      responseTimeout: settings.responseTimeout.map { .nanoseconds($0.nanoseconds) },
      finished: report)
  }

  package func link(_ link: Link, goesAway goAway: GoAway) {
    switch goAway.code {
    case .revoked: finish(.revoked(goAway.text, settings.relay))
    case .drain, .handover:
      // What runs on the old link ends there; everything new waits for the next one.
      guard self.link === link else { return }
      self.link = nil
      serving = nil
      away(.closed, goAway.text)
    case .stop, .limit, .protocolFault: break
    }
  }

  package func link(_ link: Link, ended reason: LinkEnd) {
    guard self.link === link else { return }
    self.link = nil
    guard !hasEnded else { return }
    if isStopping { return finish(.ok) }
    away(wantsWake ? .wake : reason.cause, wantsWake ? "woke up" : reason.words)
    wantsWake = false
  }

  /// The machine slept: what was said meanwhile is old, the connection most likely gone.
  func woke() {
    if let link {
      wantsWake = true
      return link.close()
    }
    guard redial != nil else { return }
    redial?.cancel()
    dial()
  }

  /// Said once, at the start: most often the app was just not started yet.
  func warnIfNobodyListens() {
    let upstream = settings.upstream
    pool.connect { result in
      switch result {
      case .success(let connection): connection.close()
      case .failure(let fault):
        self.news.add(.warning("nothing answers at \(upstream) yet (\(fault.text))"))
      }
    }
  }

  // MARK: - Ending

  /// Takes nothing new, lets what runs finish, ends.
  func stop() {
    guard !isStopping, !hasEnded else { return }
    isStopping = true
    guard let link else { return finish(.ok) }
    if let serving { link.send(.stop(endpoint: serving.endpoint)) }
    link.goAway(.stop, "the agent stops")
    let isolated = loop.assumeIsolated()
    isolated.scheduleTask(in: Self.graceOfStop) { self.finish(.ok) }
    whenQuiet(isolated)
  }

  private func whenQuiet(_ loop: NIOIsolatedEventLoop) {
    guard !hasEnded else { return }
    if (link?.openStreams ?? 0) == 0 { return finish(.ok) }
    loop.scheduleTask(in: .milliseconds(20)) { self.whenQuiet(loop) }
  }

  func finish(_ exit: ExitCode) { finish(AgentEnd(exit: exit, error: nil)) }

  private func finish(_ error: UserError) { finish(AgentEnd(exit: error.exit, error: error)) }

  private func finish(_ how: AgentEnd) {
    guard !hasEnded else { return }
    hasEnded = true
    if let serving, !isStopping { link?.send(.stop(endpoint: serving.endpoint)) }
    link?.close()
    pool.closeIdle()
    if let error = how.error { news.add(.error(error)) }
    news.finish()
    end.succeed(how)
  }
}
