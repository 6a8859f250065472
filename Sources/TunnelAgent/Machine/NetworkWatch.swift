import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Hears from the kernel that an address, a route or a network card of this machine changed
/// (rtnetlink(7)). What changed is not read: that something did is the news. Changes come in
/// crowds, so it speaks once a second at most, after the first of them has settled for a moment.
///
/// Belongs to an event loop. Where the kernel does not tell, as in some sandboxes, it keeps silent:
/// the heartbeat finds a dead link too, only later.
final class NetworkWatch: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private static let settling = TimeAmount.milliseconds(100)
  private static let pause = TimeAmount.seconds(1)

  private let changed: () -> Void
  private let loop: NIOIsolatedEventLoop
  private var isWaiting = false
  private var lastSaid = NIODeadline.uptimeNanoseconds(0)

  /// `changed` runs on the loop. Ends with the loop.
  static func start(on loop: any EventLoop, changed: @escaping () -> Void) {
    guard let descriptor = open() else { return }
    let watch = NIOLoopBound(
      NetworkWatch(loop.assumeIsolated(), changed: changed), eventLoop: loop)
    NIOPipeBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(watch.value)
        }
      }
      .takingOwnershipOfDescriptor(input: descriptor)
      .whenFailure { _ in close(descriptor) }
  }

  private init(_ loop: NIOIsolatedEventLoop, changed: @escaping () -> Void) {
    self.loop = loop
    self.changed = changed
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard() }

  /// More came than the kernel kept for us, and NIO closed the channel for it: it begins anew.
  func channelInactive(context: ChannelHandlerContext) {
    heard()
    let (eventLoop, changed) = (context.eventLoop, changed)
    loop.scheduleTask(in: Self.pause) { NetworkWatch.start(on: eventLoop, changed: changed) }
  }

  private func heard() {
    if isWaiting { return }
    isWaiting = true
    let soon = NIODeadline.now() + Self.settling
    loop.scheduleTask(deadline: max(soon, lastSaid + Self.pause)) {
      self.isWaiting = false
      self.lastSaid = .now()
      self.changed()
    }
  }

  /// Glibc's module knows nothing of linux/netlink.h and linux/rtnetlink.h.
  private struct Address {
    let family = UInt16(AF_NETLINK)
    let padding: UInt16 = 0
    /// 0: the kernel chooses.
    let port: UInt32 = 0
    let groups: UInt32
  }

  private static let route: CInt = 0
  private static let cards: UInt32 = 0x1
  private static let addresses: UInt32 = 0x10 | 0x100
  private static let routes: UInt32 = 0x40 | 0x400

  private static func open() -> CInt? {
    let kind = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_NETLINK, kind, route)
    guard descriptor >= 0 else { return nil }
    var address = Address(groups: cards | addresses | routes)
    let size = socklen_t(MemoryLayout<Address>.size)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    guard bound == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }
}
