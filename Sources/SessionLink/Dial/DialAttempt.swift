import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// One try: a connection, the proxy's TLS and its yes, the relay's TLS, the question, the answer.
/// Each step adds its handler to the pipeline and the next one when it is over. Belongs to its
/// event loop.
final class DialAttempt {
  private let dialer: Dialer
  private let request: ByteBuffer
  private let carrier: Carrier?
  private let loop: any EventLoop
  private let answer: EventLoopPromise<DialAnswer>
  private var channel: (any Channel)?
  /// The relay has not been reached yet: what goes wrong is the proxy's.
  private var isAtProxy: Bool
  private var hasAsked = false
  private var isOver = false

  init(
    _ dialer: Dialer, _ request: ByteBuffer, _ carrier: Carrier?, _ loop: any EventLoop,
    _ answer: EventLoopPromise<DialAnswer>
  ) {
    self.dialer = dialer
    self.request = request
    self.carrier = carrier
    self.loop = loop
    self.answer = answer
    isAtProxy = dialer.proxy != nil
  }

  func start() {
    let deadline = loop.assumeIsolated().scheduleTask(in: dialer.answerTimeout) {
      let fault = self.hasAsked ? DialFault.silent : .timedOut
      self.fail(self.isAtProxy ? .proxy(.timedOut) : fault)
    }
    answer.futureResult.assumeIsolated().whenComplete { _ in
      self.isOver = true
      deadline.cancel()
    }
    ClientBootstrap(group: loop)
      .connectTimeout(dialer.connectTimeout)
      .resolver(dialer.resolver)
      .connect(to: dialer.proxy?.host ?? dialer.host, port: dialer.proxy?.port ?? dialer.port)
      .assumeIsolated().whenComplete { result in
        switch result {
        case .success(let channel): self.connected(channel)
        case .failure(let error): self.fail(self.fault(error))
        }
      }
  }

  private func connected(_ channel: any Channel) {
    guard !isOver else { return channel.close(promise: nil) }
    self.channel = channel
    guard let proxy = dialer.proxy else { return atRelay(channel) }
    guard let trust = proxy.trust else { return askProxy(proxy, channel) }
    SecureHandler.add(to: channel, trust, host: proxy.host) { fault in
      if let fault { return self.fail(.proxy(.tls(fault))) }
      self.askProxy(proxy, channel)
    }
  }

  private func askProxy(_ proxy: DialProxy, _ channel: any Channel) {
    let host = dialer.host.contains(":") ? "[\(dialer.host)]" : dialer.host
    add(
      ConnectHandler("\(host):\(dialer.port)", authorization: proxy.authorization) { fault in
        if let fault { return self.fail(.proxy(fault)) }
        self.isAtProxy = false
        self.atRelay(channel)
      }, to: channel)
  }

  private func atRelay(_ channel: any Channel) {
    guard let trust = dialer.trust else { return prepare(channel) }
    SecureHandler.add(to: channel, trust, host: dialer.host) { fault in
      if let fault { return self.fail(.tls(fault)) }
      self.ask(channel)
    }
  }

  private func prepare(_ channel: any Channel) {
    do {
      try dialer.prepare?(channel)
      ask(channel)
    } catch {
      fail(.broken("\(error)"))
    }
  }

  private func ask(_ channel: any Channel) {
    hasAsked = true
    add(AnswerHandler(request, over: carrier, answer: answer), to: channel)
  }

  private func add(_ handler: some ChannelHandler, to channel: any Channel) {
    guard !isOver else { return }
    do {
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      fail(.broken("\(error)"))
    }
  }

  private func fail(_ fault: DialFault) {
    guard !isOver else { return }
    answer.fail(fault)
    channel?.close(promise: nil)
  }

  private func fault(_ error: any Error) -> DialFault {
    guard isAtProxy else { return Self.fault(error) }
    switch Self.fault(error) {
    case .timedOut: return .proxy(.timedOut)
    case .unreachable where Self.isUnknownName(error): return .proxy(.unknownName)
    case .unreachable(let why): return .proxy(.unreachable(why))
    case let fault: return fault
    }
  }

  private static func isUnknownName(_ error: any Error) -> Bool {
    (error as? NIOConnectionError)?.connectionErrors.isEmpty == true
  }

  private static func fault(_ error: any Error) -> DialFault {
    switch error {
    case let error as NIOConnectionError:
      if let first = error.connectionErrors.first { return fault(first.error) }
      return .unreachable("\(error.host): the name is not known")
    case ChannelError.connectTimeout: return .timedOut
    case let error as IOError: return .unreachable(error.words)
    default: return .unreachable("\(error)")
    }
  }
}
