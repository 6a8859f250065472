import Multiplexer
import NIOCore
import NIOPosix
import NIOSSL
import SessionLink
import Testing
import TunnelCore

/// An agent made of a dialer and a link, which answers what a test tells it to: also lies.
final class StandInAgent: Sendable {
  let controls = Mailbox<Control>()
  let streams = Mailbox<StandInStream>()
  let goAways = Mailbox<GoAway>()
  let endings = Mailbox<LinkEnd>()
  let install: ID
  private let channel: any Channel
  private let owner: NIOLoopBound<Owner>
  private var loop: any EventLoop { channel.eventLoop }

  static func connect(
    port: Int, token: Authtoken, install: ID, instance: ID = .fresh(), over carrier: Carrier = .raw,
    isSecure: Bool = false
  ) async throws -> StandInAgent {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let request = Handshake.request(
      carrier, host: RunningRelay.base, authtoken: token.reveal())
    var dialer = Dialer(host: "127.0.0.1", port: port)
    if isSecure {
      let context = try NIOSSLContext(configuration: .forTests)
      dialer.prepare = { channel in
        try channel.pipeline.syncOperations.addHandler(
          NIOSSLClientHandler(context: context, serverHostname: RunningRelay.base))
      }
    }
    return
      try await dialer
      .ask(request, over: carrier, on: loop)
      .flatMapThrowing { answer in
        guard case .switched(let channel, let rest) = answer else { throw Refused(answer) }
        return try StandInAgent(channel, rest, install, instance, carrier)
      }.get()
  }

  /// The relay's answer to the handshake where it was no 101.
  struct Refused: Error {
    var status = 0
    var body = ""

    init(_ answer: DialAnswer) {
      if case .message(let status, let body, _) = answer {
        self.status = status
        self.body = String(buffer: body)
      }
    }
  }

  private init(
    _ channel: any Channel, _ rest: ByteBuffer, _ install: ID, _ instance: ID,
    _ carrier: Carrier
  ) throws {
    self.channel = channel
    self.install = install
    let inner = Owner(controls, streams, goAways, endings)
    owner = NIOLoopBound(inner, eventLoop: channel.eventLoop)
    let hello = Hello(
      streamLimit: 100, install: install.wire, instance: instance.wire, clock: 0,
      label: "ann@test")
    let link = Link(
      role: .agent, hello: hello, limits: Session.Limits(), owner: inner,
      flusher: TickFlusher(channel.eventLoop), loop: channel.eventLoop)
    inner.link = link
    try LinkChannel.install(link, on: channel, rest: rest, over: carrier)
  }

  /// Declares a domain and waits until the relay confirms it.
  @discardableResult
  func serve(
    _ domain: String, heldEpoch: UInt64 = 0, policies: [String] = []
  ) async throws -> UInt64 {
    declare(domain, heldEpoch: heldEpoch, policies: policies)
    let control = try await controls.next()
    guard case .serving(_, _, let epoch, _, _) = control else {
      Issue.record("not serving: \(control)")
      return 0
    }
    return epoch
  }

  /// The same without a wait.
  func declare(
    _ domain: String, heldEpoch: UInt64 = 0, manner: UInt8 = 0, policies: [String] = []
  ) {
    var serve = Serve(request: 7, wish: .domain(domain))
    serve.heldEpoch = heldEpoch
    serve.manner = manner
    serve.policies = policies
    send(.serve(serve))
  }

  func send(_ control: Control) { onLink { $0.send(control) } }

  func goAway() { onLink { $0.goAway(.stop, "the agent stops") } }

  func onLink(_ body: @escaping @Sendable (Link) -> Void) {
    let owner = owner
    loop.execute { owner.value.link.map(body) }
  }

  /// From here on its streams give no credit back: like an app that does not read.
  func takesNothing() { loop.execute { [owner] in owner.value.takes = false } }

  /// Streams that are not over on the agent's side.
  func openStreams() async throws -> Int {
    let owner = owner
    return try await loop.submit { owner.value.link?.openStreams ?? 0 }.get()
  }

  /// Goes without a word, as a killed process does.
  func vanish() async throws { try await channel.close() }
}

private final class Owner: LinkOwner {
  private let controls: Mailbox<Control>
  private let streams: Mailbox<StandInStream>
  private let goAways: Mailbox<GoAway>
  private let endings: Mailbox<LinkEnd>
  var link: Link?
  var takes = true

  init(
    _ controls: Mailbox<Control>, _ streams: Mailbox<StandInStream>,
    _ goAways: Mailbox<GoAway>, _ endings: Mailbox<LinkEnd>
  ) {
    self.controls = controls
    self.streams = streams
    self.goAways = goAways
    self.endings = endings
  }

  func link(_ link: Link, said hello: Hello) {}

  func link(_ link: Link, opened open: Open, port: StreamPort) -> (any PipeEnd)? {
    let stream = StandInStream(open, port, link, takes: takes)
    streams.put(stream)
    return stream.end.value
  }

  func link(_ link: Link, said control: Control) { controls.put(control) }
  func link(_ link: Link, goesAway goAway: GoAway) { goAways.put(goAway) }

  func link(_ link: Link, ended end: LinkEnd) {
    self.link = nil
    endings.put(end)
  }
}

/// One stream as the stand-in sees it: the request's bytes in, whatever a test likes out.
final class StandInStream: Sendable {
  enum Word: Sendable, Equatable {
    case stop(Farewell.Code)
    case reset(Farewell.Code)
    case lost
  }

  let open: Open
  let inbox = ByteInbox()
  let words = Mailbox<Word>()
  fileprivate let end: NIOLoopBound<StandInEnd>
  private let loop: any EventLoop

  fileprivate init(_ open: Open, _ port: StreamPort, _ link: Link, takes: Bool) {
    self.open = open
    loop = link.loop
    end = NIOLoopBound(StandInEnd(port, inbox, words, takes), eventLoop: link.loop)
  }

  func until(_ marker: String) async throws -> String { try await inbox.until(marker) }

  func send(_ text: String, end isLast: Bool = false) {
    let bytes = ByteBuffer(string: text)
    onPort { _ = $0.send(bytes, end: isLast) }
  }

  func stop(_ code: Farewell.Code) { onPort { $0.stop(Farewell(code, blame: .upstream)) } }

  func reset(_ code: Farewell.Code, _ text: String = "") {
    onPort { $0.reset(Farewell(code, blame: .upstream, text)) }
  }

  private func onPort(_ body: @escaping @Sendable (StreamPort) -> Void) {
    let end = end
    loop.execute { body(end.value.port) }
  }
}

private final class StandInEnd: PipeEnd {
  let port: StreamPort
  private let inbox: ByteInbox
  private let words: Mailbox<StandInStream.Word>
  private let takes: Bool

  init(
    _ port: StreamPort, _ inbox: ByteInbox, _ words: Mailbox<StandInStream.Word>, _ takes: Bool
  ) {
    self.port = port
    self.takes = takes
    self.inbox = inbox
    self.words = words
  }

  func pipeData(_ bytes: ByteBuffer, end: Bool) {
    inbox.add(bytes)
    if takes { port.credit(bytes.readableBytes) }
    if end { inbox.end(.end) }
  }

  func pipeResumed() {}
  func pipeStopped(_ farewell: Farewell) { words.put(.stop(farewell.code)) }

  func pipeReset(_ farewell: Farewell) {
    inbox.end(.reset)
    words.put(.reset(farewell.code))
  }

  func pipeLost() {
    inbox.end(.lost)
    words.put(.lost)
  }
}
