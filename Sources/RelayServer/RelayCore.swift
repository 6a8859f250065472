import HTTPMessage
import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

/// limits.md, "Public side of the relay".
struct IngressLimits {
  /// TLS, from accept.
  var handshake = TimeAmount.seconds(10)
  var firstHead = TimeAmount.seconds(10)
  var laterHead = TimeAmount.seconds(10)
  var idle = TimeAmount.seconds(75)
  /// For an agent that was sent away by the relay's own end.
  var agentWait = TimeAmount.nanoseconds(AwaitedAgent.patience.nanoseconds)
  /// What runs when the relay ends, or hands over.
  var drain = TimeAmount.seconds(30)
}

/// What every public connection needs of the relay. Belongs to the relay's event loop.
final class RelayCore {
  let base: DomainName
  let hub: Hub
  let limits: IngressLimits
  let loop: any EventLoop
  let flusher: TickFlusher
  let store: RelayStore
  let exchangeLog: ExchangeLog
  /// Nil: the listener speaks plain HTTP.
  let certificate: ServerCertificate?
  let proxies: TrustedProxies
  private let apiSocket: String
  private var random = SmallRandom()

  init(
    hub: Hub, store: RelayStore, limits: IngressLimits, log: ExchangeLog,
    certificate: ServerCertificate?, proxies: TrustedProxies, apiSocket: String,
    loop: any EventLoop
  ) {
    base = hub.base
    self.hub = hub
    self.store = store
    self.limits = limits
    self.loop = loop
    self.certificate = certificate
    self.proxies = proxies
    self.apiSocket = apiSocket
    exchangeLog = log
    flusher = TickFlusher(loop)
  }

  func newID(at milliseconds: UInt64 = WallClock.milliseconds()) -> ID {
    ID(unixMilliseconds: milliseconds, using: &random)
  }

  /// What a drain waits for.
  let open = OpenConnections()
  /// No connection lives on behind the exchange it is in.
  var isDraining = false

  func log(_ record: ExchangeRecord) {
    exchangeLog.write(record, microseconds: Moment.now.microseconds(since: record.began))
  }

  /// A pipe to the relay's own API.
  func openLocal(_ end: any PipeEnd) -> any Pipe {
    SocketPipe.connect(unixPath: apiSocket, end: end, flusher: flusher, on: loop)
  }
}
