import Logging
import NIOCore
import NIOPosix
import SessionLink
import Synchronization
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// What a running relay takes over without an end: certificates, looked at each second and when it
/// is asked, and by SIGHUP the limits of `relay.yml`. One task does it, off the relay's loop, one
/// thing after the other; it begins with its start and ends with `end`.
final class Reloading: Sendable {
  typealias Reading = @Sendable () throws(UserError) -> ServeSettings

  enum Ask: Sendable {
    case look
    /// SIGHUP.
    case everything(Reading)
  }

  private static let lookEvery = Duration.seconds(1)

  private let asks: AsyncStream<Ask>.Continuation
  private let clock: Task<Void, Never>
  private let work: Task<Void, Never>

  init(_ reload: Reload) {
    let (stream, asks) = AsyncStream<Ask>.makeStream()
    self.asks = asks
    clock = Task {
      while !Task.isCancelled {
        // The files are looked at once a second: whoever renews a certificate tells nobody. It is a
        // pace, not a wait for something.
        try? await Task.sleep(for: Self.lookEvery)
        asks.yield(.look)
      }
    }
    work = Task {
      var reload = reload
      for await ask in stream {
        switch ask {
        case .look: await reload.look()
        case .everything(let read): await reload.everything(read)
        }
      }
    }
  }

  func ask(_ ask: Ask) { asks.yield(ask) }

  /// Returns once nothing is under way any more.
  func end() async {
    clock.cancel()
    asks.finish()
    await work.value
  }
}

/// The state of it: which settings and certificates count now.
struct Reload: Sendable {
  let core: NIOLoopBound<RelayCore>
  let loop: any EventLoop
  let logger: Logger
  /// Where the relay listens.
  let port: Int
  private var settings: ServeSettings
  private var watch: CertificateWatch?

  init(
    _ settings: ServeSettings, _ certificates: ServedCertificates?, _ core: NIOLoopBound<RelayCore>,
    on loop: any EventLoop, port: Int, _ logger: Logger
  ) {
    self.settings = settings
    self.core = core
    self.loop = loop
    self.port = port
    self.logger = logger
    watch = certificates.map(CertificateWatch.init)
  }

  mutating func look(all: Bool = false) async {
    guard let before = watch?.served else { return }
    var isNew = false
    for finding in watch?.look(all: all) ?? [] {
      switch finding {
      case .renewed(let files):
        isNew = true
        logger.info("certificate renewed", metadata: ["path": "\(files.certificate)"])
      case .unusable(let files, let fault):
        logger.error(
          "a changed certificate cannot be used, the one before stays",
          metadata: ["path": "\(files.certificate)", "reason": "\(fault.message)"])
      }
    }
    if isNew { await serve(insteadOf: before) }
  }

  /// Whoever shakes hands now goes on with the one before.
  private func serve(insteadOf before: ServedCertificates) async {
    guard let certificates = watch?.served else { return }
    certificates.warn(logger, at: time(nil))
    // `relay healthcheck` trusts either while the one takes the other's place.
    let changes = certificates.usual.fingerprint != before.usual.fingerprint
    if changes { write(certificates.usual, before.usual) }
    let core = core
    try? await loop.submit { core.value.certificates = certificates }.get()
    if changes { write(certificates.usual) }
  }

  private func write(_ certificates: ServerCertificate...) {
    do throws(UserError) {
      try AddressFile.write(settings, port: port, certificates)
    } catch {
      logger.error("relay healthcheck will fail", metadata: ["reason": "\(error.message)"])
    }
  }

  /// Settings that cannot be used change nothing.
  mutating func everything(_ read: Reloading.Reading) async {
    let fresh: ServeSettings
    do throws(UserError) {
      fresh = try read()
    } catch {
      return logger.error("nothing is reloaded", metadata: ["reason": "\(error.message)"])
    }
    let fixed = settings.fixedKeys(against: fresh)
    if !fixed.isEmpty {
      logger.warning(
        "changed settings that a reload does not take over: hand over with SIGUSR2, or restart",
        metadata: ["keys": "\(fixed.joined(separator: " "))"])
    }
    await replace(fresh.tls)
    await look(all: true)
    let (core, limits) = (core, fresh.limits)
    try? await loop.submit { core.value.take(limits) }.get()
    logger.info("reloaded")
  }

  private mutating func replace(_ files: [CertificateFiles]) async {
    guard var changed = watch, let before = changed.served, !files.isEmpty,
      files != before.all.map(\.files)
    else { return }
    do throws(UserError) {
      try changed.replace(files)
      watch = changed
      await serve(insteadOf: before)
    } catch {
      logger.error("the certificates stay as they are", metadata: ["reason": "\(error.message)"])
    }
  }
}

extension Relay {
  func startReloading(
    _ settings: ServeSettings, _ certificates: ServedCertificates?, _ logger: Logger
  ) {
    let port = listeners.first?.localAddress?.port ?? settings.listen.port
    let reload = Reload(settings, certificates, core, on: group.next(), port: port, logger)
    reloading.withLock { $0 = Reloading(reload) }
  }

  /// Reads certificates and settings again.
  func reload(_ read: @escaping Reloading.Reading) {
    reloading.withLock { $0?.ask(.everything(read)) }
  }

  func endReloading() async {
    let reloading = reloading.withLock { $0.take() }
    await reloading?.end()
  }
}
