import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// What the agent serves, and from where: the settings of one run, checked.
package struct AgentPlan: Sendable {
  package var relayHost: String
  package var relayPort: Int
  /// The relay as a person writes it.
  package var relayText: String
  package var authtoken: Authtoken
  package var wish: Serve.Wish
  package var upstreamHost: String
  package var upstreamPort: Int
  /// `http://localhost:3000`
  package var upstreamText: String
  package var install: ID
  package var label: String
  package var project: String
  package var responseTimeout: TimeAmount?
  package var exitsOnDisconnect = false

  package init(
    relayHost: String, relayPort: Int, relayText: String, authtoken: Authtoken, wish: Serve.Wish,
    upstreamHost: String, upstreamPort: Int, upstreamText: String, install: ID, label: String,
    project: String
  ) {
    self.relayHost = relayHost
    self.relayPort = relayPort
    self.relayText = relayText
    self.authtoken = authtoken
    self.wish = wish
    self.upstreamHost = upstreamHost
    self.upstreamPort = upstreamPort
    self.upstreamText = upstreamText
    self.install = install
    self.label = label
    self.project = project
  }
}

/// How a run ended.
package struct AgentEnd: Sendable {
  package let exit: ExitCode
  package let error: UserError?
}

/// One agent process's session with the relay: dials, serves, dials again, and ends.
/// Belongs to one event loop; what it has to tell goes out as `AgentEvent`s.
final class Agent: LinkOwner {
  /// product.md, "Ends": what is over within this is whole.
  private static let graceOfStop = TimeAmount.seconds(3)

  let plan: AgentPlan
  private let loop: any EventLoop
  private let flusher: TickFlusher
  private let pool: UpstreamPool
  private let tell: (AgentEvent) -> Void
  private let end: EventLoopPromise<AgentEnd>
  private let instance: ID
  private var random = SystemRandomNumberGenerator()
  private var schedule = ReconnectSchedule()
  private var link: Link?
  private var wantsWake = false
  private var serving: (endpoint: WireID, epoch: UInt64)?
  private var heldEpoch: UInt64 = 0
  private var wasReady = false
  private var isStopping = false
  private(set) var hasEnded = false

  init(
    _ plan: AgentPlan, loop: any EventLoop, end: EventLoopPromise<AgentEnd>,
    tell: @escaping (AgentEvent) -> Void
  ) {
    self.plan = plan
    self.loop = loop
    self.end = end
    self.tell = tell
    flusher = TickFlusher(loop)
    pool = UpstreamPool(
      host: plan.upstreamHost, port: plan.upstreamPort, loop: loop, flusher: flusher)
    instance = ID.random(using: &random)
  }

  // MARK: - Dialing

  func dial() {
    guard !isStopping, !hasEnded else { return }
    let dialer = Dialer(host: plan.relayHost, port: plan.relayPort)
    let host = plan.relayPort == 80 ? plan.relayHost : "\(plan.relayHost):\(plan.relayPort)"
    let request = Handshake.request(host: host, authtoken: plan.authtoken.reveal())
    dialer.ask(request, wantsUpgrade: true, on: loop).assumeIsolated().whenComplete { result in
      if self.isStopping || self.hasEnded {
        if case .success(.switched(let channel, _)) = result { channel.close(promise: nil) }
        return
      }
      switch result {
      case .success(.switched(let channel, let rest)): self.begin(channel, rest)
      case .success(.message(let status, let body)): self.refused(status, body)
      case .failure(let error):
        let why = (error as? DialFault)?.words ?? "\(error)"
        self.away(.closed, "\(self.plan.relayText): \(why)")
      }
    }
  }

  private func begin(_ channel: any Channel, _ rest: ByteBuffer) {
    let hello = Hello(
      streamLimit: 4_096, install: plan.install.wire, instance: instance.wire,
      clock: WallClock.milliseconds(), label: plan.label)
    let link = Link(
      role: .agent, hello: hello, limits: Session.Limits(), owner: self, flusher: flusher,
      loop: loop)
    self.link = link
    do {
      try LinkChannel.install(link, on: channel, rest: rest)
    } catch {
      self.link = nil
      away(.closed, "\(error)")
    }
  }

  /// The relay answered the handshake with a problem instead.
  private func refused(_ status: Int, _ body: ByteBuffer) {
    let problem = Problem(body)
    switch status {
    case 401, 403, 426: finish(.login(status, problem, relay: plan.relayText))
    case 404 where problem == nil:
      finish(.notARelay(plan.relayText))
    default: away(.closed, "the relay answered \(status) \(problem?.detail ?? "")")
    }
  }

  private func away(_ cause: ReconnectSchedule.Cause, _ reason: String) {
    if isStopping { return finish(.ok) }
    if plan.exitsOnDisconnect, wasReady {
      return finish(.disconnected(reason))
    }
    let delay = schedule.delay(after: cause, at: .now, using: &random)
    tell(.reconnecting(reason: reason, retryMilliseconds: UInt64(delay.nanoseconds / 1_000_000)))
    loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) { self.dial() }
  }

  // MARK: - LinkOwner

  func link(_ link: Link, said hello: Hello) { declare() }

  private func declare() {
    var serve = Serve(request: 1, wish: plan.wish)
    serve.heldEpoch = heldEpoch
    serve.project = plan.project
    link?.send(.serve(serve))
  }

  func link(_ link: Link, said control: Control) {
    switch control {
    case .serving(_, let endpoint, let epoch, let url, let claimed):
      serving = (endpoint, epoch)
      heldEpoch = epoch
      schedule.ready()
      online(url, claimed: claimed)
    case .refused(_, let code, let message, let fix):
      finish(.refused(code, message, fix))
    case .replaced(_, _, let owner, _):
      tell(.replaced(by: owner))
      finish(.ok)
    case .standby(_, _, let owner, let since):
      serving = nil
      tell(.standby(owner: owner, since: since))
    case .notice(_, let text): tell(.warning(text))
    case .serve, .stop: break
    }
  }

  private func online(_ url: String, claimed: Bool) {
    if wasReady { return tell(.online) }
    wasReady = true
    let domain = String(url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != ":" && $0 != "/" })
    if claimed { tell(.claimed(domain: domain)) }
    tell(.ready(url: url, upstream: plan.upstreamText, domain: domain))
  }

  func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? {
    guard open.kind == .http else { return nil }
    guard let serving, open.endpoint == serving.endpoint, open.epoch >= serving.epoch else {
      let farewell = Farewell(.staleEpoch, blame: .relay)
      port.stop(farewell)
      port.reset(farewell)
      return nil
    }
    return UpstreamExchange(
      port, open, pool: pool, loop: loop, responseTimeout: plan.responseTimeout
    ) { [tell] exchange in tell(.request(exchange.report.shown)) }
  }

  func link(_ link: Link, goesAway goAway: GoAway) {
    if goAway.code == .revoked {
      finish(.revoked(goAway.text))
    }
  }

  func link(_ link: Link, ended reason: LinkEnd) {
    guard self.link === link else { return }
    self.link = nil
    guard !hasEnded else { return }
    if isStopping { return finish(.ok) }
    away(wantsWake ? .wake : reason.cause, wantsWake ? "woke up" : reason.words)
    wantsWake = false
  }

  /// The machine slept: what was said meanwhile is old, the connection most likely gone.
  func woke() {
    guard let link else { return }
    wantsWake = true
    link.close()
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
    link?.close()
    pool.closeIdle()
    end.succeed(how)
  }
}
