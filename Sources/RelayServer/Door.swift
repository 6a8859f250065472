import Logging
import NIOCore
import SessionLink
import TunnelCore

/// Where every public connection comes in: counts them, closes at once what is too much, and says
/// so in the log once a second at most. Belongs to the relay's event loop.
final class Door {
  private static let logEvery = TimeAmount.seconds(1)

  /// A connection that is not let in.
  struct Closed: Error {}

  /// Since the last line of the log.
  private struct Refused {
    var full = 0
    var ofOne = 0
    var failed = 0
  }

  private var room: ConnectionRoom
  private let proxies: TrustedProxies
  private let loop: any EventLoop
  private let logger: Logger
  private var refused = Refused()
  private var last = ""
  private var willLog = false

  init(
    _ limits: IngressLimits, _ proxies: TrustedProxies, _ loop: any EventLoop, _ logger: Logger
  ) {
    room = ConnectionRoom(
      limit: ConnectionRoom.limit(
        wanted: limits.connections, descriptors: DescriptorLimit.now),
      perPlace: limits.connectionsPerAddress)
    self.proxies = proxies
    self.loop = loop
    self.logger = logger
  }

  /// Whoever is in stays.
  func change(_ limits: IngressLimits) {
    room.limit = ConnectionRoom.limit(
      wanted: limits.connections, descriptors: DescriptorLimit.now)
    room.perPlace = limits.connectionsPerAddress
  }

  /// Throws for one too many: whoever accepts closes it then.
  func enter(_ channel: any Channel) throws(Closed) {
    let address = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    let place = address.flatMap { isCounted($0) ? $0.place : nil }
    switch room.enter(place) {
    case nil: break
    case .full: throw refuse(\.full, address)
    case .tooManyOfOne: throw refuse(\.ofOne, address)
    }
    channel.closeFuture.assumeIsolated().whenComplete { _ in self.room.leave(place) }
  }

  /// A proxy brings many clients, and what comes from this machine is the operator's own.
  private func isCounted(_ address: IPAddress) -> Bool {
    !proxies.contains(address) && !TrustedProxies.loopback.contains { $0.contains(address) }
  }

  private func refuse(
    _ why: WritableKeyPath<Refused, Int>, _ address: IPAddress?
  ) -> Closed {
    refused[keyPath: why] += 1
    last = address?.description ?? "unknown"
    logLater()
    return Closed()
  }

  /// The system gave no descriptor for one that waits.
  func acceptFailed(_ error: any Error) {
    refused.failed += 1
    last = "\(error)"
    logLater()
  }

  private func logLater() {
    if willLog { return }
    willLog = true
    loop.assumeIsolated().scheduleTask(in: Self.logEvery) {
      self.willLog = false
      self.logger.warning(
        "connections were not let in",
        metadata: [
          "over_all": "\(self.refused.full)", "over_address": "\(self.refused.ofOne)",
          "not_accepted": "\(self.refused.failed)", "last": "\(self.last)",
        ])
      self.refused = Refused()
    }
  }
}

/// Stops accepting for a moment when the system has no descriptor left (EMFILE, ENFILE): the
/// listening socket stays readable, and NIO would ask again and again at once. Those who wait are
/// kept by the kernel.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  private static let pause = TimeAmount.milliseconds(200)

  private let door: Door
  private var isPaused = false

  init(_ door: Door) { self.door = door }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is IOError else { return context.fireErrorCaught(error) }
    door.acceptFailed(error)
    guard !isPaused else { return }
    isPaused = true
    // `read` stays pending after an error: only this takes the socket out of the selector.
    try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    let channel = context.channel
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
      self.isPaused = false
      try? channel.syncOptions?.setOption(.autoRead, value: true)
    }
  }
}
