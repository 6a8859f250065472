import Logging
import NIOCore
import SessionLink
import TunnelCore

/// Gets a connection for a link: dials, offers one carrier, and the other one at once where
/// something in between does not let the first pass. Belongs to the agent's event loop.
final class LinkDial {
  enum Outcome {
    case link(any Channel, rest: ByteBuffer, over: Carrier)
    /// The relay itself said no.
    case refused(RelayAPI.Answer)
    /// What answered is no relay, on no carrier.
    case stranger(RelayAPI.Answer)
    case failed(UserError)
  }

  private let settings: AgentSettings
  private let dialer: Dialer
  private let loop: any EventLoop
  private let logger: Logger
  private var choice: CarrierChoice

  init(_ settings: AgentSettings, _ dialer: Dialer, _ loop: any EventLoop, _ logger: Logger) {
    self.settings = settings
    self.dialer = dialer
    self.loop = loop
    self.logger = logger
    choice = CarrierChoice(settings.way.transport.value)
  }

  /// One dial at a time.
  func start(_ done: @escaping (Outcome) -> Void) {
    offer(choice.begin(), done)
  }

  private func offer(_ kind: CarrierChoice.Kind, _ done: @escaping (Outcome) -> Void) {
    let carrier = kind.carrier
    let request = Handshake.request(
      carrier, host: settings.relay.authority, authtoken: settings.authtoken.reveal())
    dialer.ask(request, over: carrier, on: loop).assumeIsolated().whenComplete { result in
      switch result {
      case .success(.switched(let channel, let rest)):
        self.choice.worked(kind)
        self.logger.info(
          "connected \(self.words(kind))", metadata: ["relay": "\(self.settings.relay)"])
        done(.link(channel, rest: rest, over: carrier))
      case .success(.message(let status, let body, let isRelays)):
        let answer = RelayAPI.Answer(status: status, body: Array(body.readableBytesView))
        if isRelays { return done(.refused(answer)) }
        let outcome = status == 426 ? .failed(self.stripped) : Outcome.stranger(answer)
        self.blocked(kind, "answered \(status)", outcome, done)
      case .failure(let error):
        let fault = error as? DialFault ?? .broken("\(error)")
        let outcome = Outcome.failed(fault.userError(self.settings.way))
        switch fault {
        case .broken(let why): self.blocked(kind, why, outcome, done)
        case .silent: self.blocked(kind, "no answer in time", outcome, done)
        case .unreachable, .timedOut, .tls, .proxy: done(outcome)
        }
      }
    }
  }

  private var stripped: UserError {
    UserError(
      code: "relay-answer",
      message: "\(settings.relay): something in front of it takes the upgrade out of the request",
      fix: "let it pass `Upgrade` and `Connection`, for WebSocket at least; see --transport",
      exit: .unavailable)
  }

  private func blocked(
    _ kind: CarrierChoice.Kind, _ why: String, _ outcome: Outcome,
    _ done: @escaping (Outcome) -> Void
  ) {
    guard let other = choice.blocked() else { return done(outcome) }
    let (first, second) = kind == .raw ? ("tunnel/1", "WebSocket") : ("WebSocket", "tunnel/1")
    logger.info(
      "something in between does not pass \(first), trying \(second)",
      metadata: ["relay": "\(settings.relay)", "why": "\(why)"])
    offer(other, done)
  }

  private func words(_ kind: CarrierChoice.Kind) -> String {
    var words: [String] = []
    if case .proxy(let proxy) = settings.way.proxy.value {
      words.append("through the proxy \(proxy)")
    } else {
      words.append("directly")
    }
    if settings.relay.scheme == .https { words.append("over TLS") }
    if kind == .webSocket { words.append("over WebSocket") }
    return words.joined(separator: ", ")
  }
}
