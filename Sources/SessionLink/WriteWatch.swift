import NIOCore
import TunnelCore

/// A connection whose writes are watched.
protocol WriteWatched: AnyObject {
  /// Bytes that were written and that the kernel has not taken.
  var waitingBytes: Int { get }
  /// Nothing left for too long: end the connection.
  func writeStalled()
}

/// Drives `WriteProgress` for one connection: one timer that stands only while something was
/// written lately, so a write that leaves at once costs an addition and a comparison.
///
/// Belongs to one event loop. Cancel it before its owner goes.
package final class WriteWatch {
  /// limits.md, "Agent link": then the whole session ends.
  package static let ofLink = TimeAmount.seconds(15)
  /// Looks in one limit: a stall is found out a sixtieth too late at most.
  private static let looks: Int64 = 60

  private let every: TimeAmount
  private let loop: any EventLoop
  private unowned let owner: any WriteWatched
  private var progress: WriteProgress
  private var written: UInt64 = 0
  private var timer: Scheduled<Void>?

  init(_ limit: TimeAmount, of owner: any WriteWatched, on loop: any EventLoop) {
    every = .nanoseconds(max(1, limit.nanoseconds / Self.looks))
    self.owner = owner
    self.loop = loop
    progress = WriteProgress(limit: .nanoseconds(limit.nanoseconds))
  }

  func wrote(_ count: Int) {
    written &+= UInt64(count)
    if timer == nil { lookLater() }
  }

  func cancel() {
    timer?.cancel()
    timer = nil
  }

  private func lookLater() {
    timer = loop.assumeIsolated().scheduleTask(in: every) { self.look() }
  }

  private func look() {
    // A timer that was cancelled in the turn in which it was due runs all the same; its owner may
    // be gone by then.
    guard timer != nil else { return }
    timer = nil
    let waiting = UInt64(max(0, owner.waitingBytes))
    switch progress.look(written: written, waiting: waiting, at: .now) {
    case .idle: break
    case .waiting: lookLater()
    case .stalled: owner.writeStalled()
    }
  }
}

extension ChannelHandlerContext {
  /// Flushed, and not yet taken by the kernel.
  var waitingBytes: Int {
    (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }
}
