import NIOCore
import TunnelCore

/// Measures one link's way out and keeps its channel's buffers as long as that way allows.
struct LinkPace {
  /// A wide way is looked at so seldom: asking the kernel at each turn would show.
  private static let looksEvery = Duration.milliseconds(50)

  private(set) var width = LinkWidth.unknown
  private var meter = LinkMeter()
  private var looksAt = Moment(nanoseconds: 0)

  /// More is to go out than goes.
  mutating func pressed(_ context: ChannelHandlerContext) {
    let now = Moment.now
    let isNew = meter.isResting(at: now)
    let acknowledged = isNew ? LinkWidth.acknowledged(context) : 0
    if let acknowledged { meter.begins(acknowledged: acknowledged, at: now) }
  }

  /// Some of it went. True: the way is another one than was thought.
  mutating func eased(_ context: ChannelHandlerContext) -> Bool {
    let now = Moment.now
    if width == .wide, now < looksAt {
      meter.breathes(at: now)
      return false
    }
    looksAt = now + LinkPace.looksEvery
    guard let acknowledged = LinkWidth.acknowledged(context),
      let seen = meter.ends(acknowledged: acknowledged, at: now), seen != width
    else { return false }
    width = seen
    width.apply(to: context.channel)
    return true
  }
}
