import HTTPMessage
import Multiplexer
import NIOCore
import RelayStore
import SessionLink
import TunnelCore

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
  let door: Door
  var failedLogins: FailedLogins
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
    door = Door(limits, proxies, loop, hub.logger)
    failedLogins = FailedLogins(perMinute: limits.failedLogins)
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
