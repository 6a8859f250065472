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

/// One agent process's session with the relay: dials, serves, dials again, and ends. What is done
/// when, `AgentLife` decides; this carries it out. Belongs to one event loop; what it has to tell
/// goes out as `AgentEvent`s.
package final class Agent {
  private static let quietLook = TimeAmount.milliseconds(20)
  private static let turnsEvery = TimeAmount.seconds(1)

  let settings: AgentSettings
  private let way: LinkDial
  private let loop: any EventLoop
  private let flusher: TickFlusher
  private let pool: UpstreamPool
  private let news: News
  private let report: (UpstreamExchange) -> Void
  private let end: EventLoopPromise<AgentEnd>
  private let instance: ID
  private let isTCP: Bool
  private let bootTime: () -> Moment
  private var sleep: SleepDetector
  private var life: AgentLife
  private var isActing = false
  private var links: [Link] = []
  private var timer: Scheduled<Void>?
  /// The code of the last trouble whose fix was said.
  private var adviceGiven: String?
  private var wasReady = false
  /// Of the relay, as it said last.
  private var capabilities: UInt64 = 0

  package init(
    _ settings: AgentSettings, _ dialer: Dialer, loop: any EventLoop,
    end: EventLoopPromise<AgentEnd>, logger: Logger, status: StatusBoard? = nil,
    bootTime: (() -> Moment)? = nil,
    tell: @escaping @Sendable ([AgentEvent]) -> Void
  ) {
    self.settings = settings
    isTCP = settings.domain.isTCP
    way = LinkDial(settings, dialer, loop, logger)
    self.loop = loop
    self.end = end
    flusher = TickFlusher(loop)
    news = News(flusher, status, tell)
    report = { [news] exchange in news.add(.request(exchange.report)) }
    pool = UpstreamPool(
      host: settings.upstream.host, port: settings.upstream.port, loop: loop, flusher: flusher)
    var random = SystemRandomNumberGenerator()
    instance = ID.random(using: &random)
    life = AgentLife(exitsOnDisconnect: settings.exitOnDisconnect, seed: random.next())
    self.bootTime = bootTime ?? BootClock.now
    sleep = SleepDetector(at: self.bootTime())
  }

  package var hasEnded: Bool { life.isOver }

  // MARK: - What happens around it

  package func dial() {
    life { $0.start() }
    turn()
  }

  /// limits.md: a timer turns the loop every second, or a quiet minute would look like sleep.
  private func turn() {
    guard !hasEnded else { return }
    _ = turns()
    loop.assumeIsolated().scheduleTask(in: Self.turnsEvery) { self.turn() }
  }

  /// Takes nothing new, lets what runs finish, ends.
  func stop() { life { $0.stop(at: .now) } }

  /// Nobody is there any more to serve for.
  func alone() { life { $0.alone() } }

  /// Asks for the domain, whoever has it. False: there is no session now; it is asked for with the
  /// next one.
  package func take() -> Bool {
    var asked = false
    life { asked = $0.take() }
    return asked
  }

  func networkChanged() { life { $0.networkChanged(at: .now) } }

  /// On each turn of the loop, before anything is read. False: the process stood still, and what
  /// the relay had sent is void.
  private func turns() -> Bool {
    guard sleep.hasSlept(at: bootTime()) else { return true }
    life { $0.woke(at: .now) }
    return false
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

  // MARK: - What the life wants done

  /// Tells the machine, then does what it wants; what is told meanwhile joins the end.
  private func life(_ tell: (inout AgentLife) -> Void) {
    loop.preconditionInEventLoop()
    tell(&life)
    if isActing { return }
    isActing = true
    while let action = life.next() { act(action) }
    isActing = false
  }

  private func act(_ action: AgentLife.Action) {
    switch action {
    case .dial(let number): dial(number)
    case .declare(let number, let held, let takes): declare(link(number), held, takes)
    case .probe(let number): link(number)?.probe()
    case .drop(let number): link(number)?.close()
    case .leave(let number, let endpoint): leave(link(number), endpoint)
    case .look(let moment): look(at: moment)
    case .tell(let what): tell(what)
    case .end(let ending): finish(ending)
    }
  }

  private func link(_ number: Int) -> Link? { links.first { $0.number == number } }

  private func dial(_ number: Int) {
    way.start { outcome in
      switch outcome {
      case .link(let channel, let rest, let carrier): self.begin(number, channel, rest, carrier)
      case .refused(let answer): self.refused(number, answer)
      case .stranger(let answer):
        let error = RelayProblem.stranger(answer, relay: self.settings.relay)
        self.away(number, .refused, error.message)
      case .failed(let error): self.unreachable(number, error)
      }
    }
  }

  private func begin(
    _ number: Int, _ channel: any Channel, _ rest: ByteBuffer, _ carrier: Carrier
  ) {
    var isWanted = false
    life { isWanted = $0.linked(number) }
    guard isWanted else { return channel.close(promise: nil) }
    let hello = Hello(
      streamLimit: 4_096, install: settings.install.wire, instance: instance.wire,
      clock: WallClock.milliseconds(), label: MachineLabel.text)
    let link = Link(
      role: .agent, number: number, hello: hello, limits: Session.Limits(), owner: self,
      flusher: flusher, loop: loop, mayRead: { [unowned self] in turns() })
    links.append(link)
    do {
      try LinkChannel.install(link, on: channel, rest: rest, over: carrier)
    } catch {
      self.link(link, ended: .failed("\(error)"))
      channel.close(promise: nil)
    }
  }

  /// The reason of the wait, and once the way out of it.
  private func unreachable(_ number: Int, _ error: UserError) {
    away(number, .unreachable, error.message)
    if error.code == adviceGiven { return }
    adviceGiven = error.code
    if let fix = error.fix, error.code.hasPrefix("tls-") || error.code.hasPrefix("proxy-") {
      news.add(.warning("\(fix) (`tunnel explain \(error.code)`)"))
    }
  }

  /// The relay answered the handshake with a problem instead.
  private func refused(_ number: Int, _ answer: RelayAPI.Answer) {
    let error = RelayProblem.error(answer, relay: settings.relay)
    let isFinal = [401, 403, 426].contains(answer.status) && error.code != "relay-answer"
    if isFinal { return life { $0.failed(number, error) } }
    away(number, .refused, error.message)
  }

  private func away(_ number: Int, _ cause: ReconnectSchedule.Cause, _ reason: String) {
    life { $0.away(number, cause, reason, at: .now) }
  }

  private func declare(_ link: Link?, _ held: Epoch, _ takes: Bool) {
    guard settings.policies.isEmpty || capabilities & Hello.keepsPolicies != 0 else {
      let error = UserError(
        code: "relay-too-old",
        message: "\(settings.relay) knows no policies: nobody would be kept out")
      return life { $0.said(.refused(error), on: link?.number ?? 0) }
    }
    var serve = Serve(request: 1, wish: settings.domain.wish)
    serve.heldEpoch = held.number
    serve.manner = (takes ? .take : settings.ifTaken.manner).rawValue
    serve.project = settings.project ?? ""
    serve.policies = settings.policies
    link?.send(.serve(serve))
  }

  private func leave(_ link: Link?, _ endpoint: ID?) {
    if let endpoint { link?.send(.stop(endpoint: endpoint.wire)) }
    link?.goAway(.stop, "the agent stops")
    whenQuiet(loop.assumeIsolated())
  }

  private func whenQuiet(_ loop: NIOIsolatedEventLoop) {
    guard !hasEnded else { return }
    if links.allSatisfy({ $0.openStreams == 0 }) { return life { $0.quiet() } }
    loop.scheduleTask(in: Self.quietLook) { self.whenQuiet(loop) }
  }

  private func look(at moment: Moment) {
    timer?.cancel()
    let delay = moment - .now
    timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
      self.life { $0.due(at: .now) }
    }
  }

  private func tell(_ what: AgentLife.News) {
    switch what {
    case .reconnecting(let reason, let delay):
      news.add(
        .reconnecting(
          reason: reason, retryMilliseconds: UInt64(max(0, delay.nanoseconds / 1_000_000))))
    case .standby(let owner, let since): news.add(.standby(owner: owner, since: since))
    case .replaced(let newer): news.add(.replaced(by: newer))
    case .serving(let url, let claimed): online(url, claimed: claimed)
    }
  }

  private func online(_ url: String, claimed: Bool) {
    adviceGiven = nil
    if wasReady { return news.add(.online) }
    wasReady = true
    StartupCode.giveBack()
    // A TCP endpoint's port belongs to its name.
    let domain = String(
      url.drop { $0 != "/" }.dropFirst(2).prefix { ($0 != ":" || isTCP) && $0 != "/" })
    if claimed { news.add(.claimed(domain: domain)) }
    news.add(.ready(url: url, upstream: "\(settings.upstream)", domain: domain))
  }

  private func finish(_ ending: AgentLife.Ending) {
    timer?.cancel()
    for link in links { link.close() }
    pool.closeIdle()
    let how =
      switch ending {
      case .asked, .replaced: AgentEnd(exit: .ok, error: nil)
      case .failed(let error): AgentEnd(exit: error.exit, error: error)
      }
    if let error = how.error { news.add(.error(error)) }
    news.finish()
    end.succeed(how)
  }
}

// MARK: - LinkOwner

extension Agent: LinkOwner {
  package func link(_ link: Link, said hello: Hello) {
    capabilities = hello.capabilities
    guard !isTCP || capabilities & Hello.tcpEndpoints != 0 else {
      return say(.refused(.tcpUnknown(settings.relay)), link)
    }
    life { $0.greeted(link.number) }
  }

  package func link(_ link: Link, said control: Control) {
    switch control {
    case .serving(_, let endpoint, let epoch, let url, let claimed):
      say(
        .serving(endpoint: ID(endpoint), epoch: Epoch(epoch), url: url, claimed: claimed), link)
    case .refused(_, let code, let message, let fix):
      say(.refused(.refused(code, message, fix)), link)
    case .replaced(_, _, let owner, _): say(.replaced(by: owner), link)
    case .standby(_, _, let owner, let since): say(.standby(owner: owner, since: since), link)
    case .notice(_, let text): news.add(.warning(text))
    case .serve, .stop: break
    }
  }

  private func say(_ word: AgentLife.Word, _ link: Link) { life { $0.said(word, on: link.number) } }

  package func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? {
    guard open.kind == (isTCP ? .tcp : .http) else { return nil }
    guard life.serves(ID(open.endpoint), Epoch(open.epoch), on: link.number) else {
      let farewell = Farewell(.staleEpoch, blame: .relay)
      port.stop(farewell)
      port.reset(farewell)
      return nil
    }
    if open.kind == .tcp {
      return UpstreamTCP.open(open, port, pool) { [news] in news.add(.connection($0)) }
    }
    return UpstreamExchange(
      port, id: ID(open.exchange), receivedAt: open.receivedAt, pool: pool, loop: loop,
      responseTimeout: settings.responseTimeout.map { .nanoseconds($0.nanoseconds) },
      finished: report)
  }

  package func link(_ link: Link, goesAway goAway: GoAway) {
    let goodbye: AgentLife.Goodbye
    switch goAway.code {
    case .revoked: goodbye = .revoked(.revoked(goAway.text, settings.relay))
    case .drain: goodbye = .drain
    case .handover: goodbye = .handover
    // The relay closes the link itself, and says why there.
    case .stop, .limit, .protocolFault: return
    }
    life { $0.saidGoodbye(goodbye, goAway.text, on: link.number, at: .now) }
  }

  package func link(_ link: Link, ended reason: LinkEnd) {
    links.removeAll { $0 === link }
    life { $0.ended(link.number, reason.cause, reason.words, at: .now) }
  }
}

extension AgentSettings.IfTaken {
  fileprivate var manner: Contender.Manner {
    switch self {
    case .replace: .replace
    case .standby: .standby
    case .fail: .fail
    }
  }
}
