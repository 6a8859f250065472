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
  /// Those of the settings; a reload may change them.
  var limits: IngressLimits
  let loop: any EventLoop
  let flusher: TickFlusher
  let store: RelayStore
  let exchangeLog: ExchangeLog
  /// Nil: the listener speaks plain HTTP. Renewed ones count from the next handshake on.
  var certificates: ServedCertificates?
  let proxies: TrustedProxies
  let door: Door
  var failedLogins: FailedLogins
  let passwords: PasswordChecks
  var refusals = RefusalCounts()
  private let apiSocket: String
  private var random = SmallRandom()

  init(
    hub: Hub, store: RelayStore, limits: IngressLimits, log: ExchangeLog,
    certificates: ServedCertificates?, proxies: TrustedProxies, apiSocket: String,
    loop: any EventLoop
  ) {
    base = hub.base
    self.hub = hub
    self.store = store
    self.limits = limits
    self.loop = loop
    self.certificates = certificates
    self.proxies = proxies
    self.apiSocket = apiSocket
    exchangeLog = log
    door = Door(limits, proxies, loop, hub.logger)
    passwords = PasswordChecks(loop)
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

  /// Of a reload: for what begins from here on.
  func take(_ limits: IngressLimits) {
    self.limits = limits
    door.change(limits)
    if failedLogins.perMinute != limits.failedLogins {
      failedLogins = FailedLogins(perMinute: limits.failedLogins)
    }
  }

  func log(_ record: ExchangeRecord) {
    exchangeLog.write(record, microseconds: Moment.now.microseconds(since: record.began))
  }

  /// Said once, at the end.
  func logRefusals() {
    if refusals.words.isEmpty { return }
    hub.logger.info("refusals since the start", metadata: ["counts": "\(refusals.words)"])
  }

  /// A pipe to the relay's own API.
  func openLocal(_ end: any PipeEnd) -> any Pipe {
    SocketPipe.connect(unixPath: apiSocket, end: end, flusher: flusher, on: loop)
  }
}
