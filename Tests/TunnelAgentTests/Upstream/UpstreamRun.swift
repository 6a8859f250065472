import Multiplexer
import NIOCore
import NIOPosix
import SessionLink
import Synchronization
import Testing
import TunnelCore

@testable import TunnelAgent

/// A pool of connections to an app that a test plays.
final class UpstreamRig: Sendable {
  private let loop: any EventLoop
  private let pool: NIOLoopBound<UpstreamPool>

  /// However slow the machine is: what rests stays fresh, unless a test says otherwise.
  init(
    host: String = "127.0.0.1", port: Int, fresh: Duration = .seconds(3_600),
    resolver: (any Resolver & Sendable)? = nil
  ) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    self.loop = loop
    pool = try await loop.submit {
      NIOLoopBound(
        UpstreamPool(
          host: host, port: port, loop: loop, flusher: TickFlusher(loop),
          freshness: .init(forSafe: fresh, forOthers: fresh), resolver: resolver),
        eventLoop: loop)
    }.get()
  }

  /// One exchange, whose stream the test holds in its hands.
  func exchange(timeout: TimeAmount? = nil) async throws -> UpstreamRun {
    let (loop, pool) = (loop, pool)
    return try await loop.submit { UpstreamRun(pool.value, loop, timeout) }.get()
  }

  /// A request whose answer's text is `answer`, whole.
  func pass(_ request: String, by app: RawSocket, answer: String) async throws {
    let run = try await exchange()
    run.give(request, end: true)
    _ = try await app.until(request)
    try await app.send(answer)
    #expect(try await run.inbox.rest() == (answer, .end))
  }
}

/// Every name is this machine, by IPv6 and by IPv4.
final class BothLoopbacks: Resolver, Sendable {
  private let loop = MultiThreadedEventLoopGroup.singleton.next()

  func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    loop.submit { [try SocketAddress(ipAddress: "127.0.0.1", port: port)] }
  }

  func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    loop.submit { [try SocketAddress(ipAddress: "::1", port: port)] }
  }

  func cancelQueries() {}
}

/// One exchange with the app, and the stream that it belongs to.
final class UpstreamRun: Sendable {
  enum Word: Sendable, Equatable {
    case stop(Farewell.Code)
    case reset(Farewell.Code)
  }

  /// The answer's bytes.
  let inbox = ByteInbox()
  let words = Mailbox<Word>()
  let reports = Mailbox<String>()
  private let loop: any EventLoop
  private let port: NIOLoopBound<StandInPipe>
  private let exchange: NIOLoopBound<UpstreamExchange>

  fileprivate init(_ pool: UpstreamPool, _ loop: any EventLoop, _ timeout: TimeAmount?) {
    self.loop = loop
    let pipe = StandInPipe(inbox, words)
    port = NIOLoopBound(pipe, eventLoop: loop)
    let open = Open(
      endpoint: WireID(high: 0, low: 1), epoch: 1, kind: .http,
      exchange: WireID(high: 0, low: 2), client: "192.0.2.1", secure: false,
      host: "a.example", receivedAt: 0)
    let exchange = UpstreamExchange(
      pipe, id: ID(open.exchange), receivedAt: open.receivedAt, pool: pool, loop: loop,
      responseTimeout: timeout
    ) {
      [reports] in
      let report = $0.report
      let words = [report.method, report.path].map { String(decoding: $0, as: UTF8.self) }
      reports.put("\(words[0]) \(words[1]) \(report.code ?? "\(report.status)")")
    }
    self.exchange = NIOLoopBound(exchange, eventLoop: loop)
  }

  func give(_ text: String, end: Bool = false) {
    onLoop { pipe, exchange in
      pipe.given += text.utf8.count
      exchange.pipeData(ByteBuffer(string: text), end: end)
    }
  }

  func stop() { onLoop { $1.pipeStopped(Farewell(.cancelled, blame: .client)) } }
  func lose() { onLoop { $1.pipeLost() } }

  /// Bytes that were given and not credited.
  func owed() async throws -> Int {
    let port = port
    return try await loop.submit { port.value.given - port.value.credited }.get()
  }

  private func onLoop(_ body: @escaping @Sendable (StandInPipe, UpstreamExchange) -> Void) {
    let (port, exchange) = (port, exchange)
    loop.execute { body(port.value, exchange.value) }
  }
}

private final class StandInPipe: SessionLink.Pipe {
  private let inbox: ByteInbox
  private let words: Mailbox<UpstreamRun.Word>
  var given = 0
  var credited = 0

  init(_ inbox: ByteInbox, _ words: Mailbox<UpstreamRun.Word>) {
    self.inbox = inbox
    self.words = words
  }

  func send(_ bytes: ByteBuffer, end: Bool) -> Bool {
    inbox.add(bytes)
    if end { inbox.end(.end) }
    return true
  }

  /// A session ends the process where it is credited with bytes that never came.
  func credit(_ count: Int) {
    credited += count
    #expect(credited <= given)
  }

  func stop(_ farewell: Farewell) { words.put(.stop(farewell.code)) }

  func reset(_ farewell: Farewell) {
    inbox.end(.reset)
    words.put(.reset(farewell.code))
  }

  func breakOff(_ farewell: Farewell) { reset(farewell) }
  func done() {}
}
