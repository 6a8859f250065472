import NIOCore
import TunnelCore

/// Measures one link's way out and keeps its channel's buffers as long as that way allows.
struct LinkPace {
  private(set) var width = LinkWidth.unknown
  private var meter = LinkMeter()

  /// More is to go out than goes.
  mutating func pressed(_ context: ChannelHandlerContext) {
    let now = Moment.now
    let isNew = meter.isResting(at: now)
    let acknowledged = isNew ? LinkWidth.acknowledged(context) : 0
    if let acknowledged { meter.begins(acknowledged: acknowledged, at: now) }
  }

  /// Some of it went. True: the way is another one than was thought.
  mutating func eased(_ context: ChannelHandlerContext) -> Bool {
    guard let acknowledged = LinkWidth.acknowledged(context),
      let seen = meter.ends(acknowledged: acknowledged, at: .now), seen != width
    else { return false }
    width = seen
    width.apply(to: context.channel)
    return true
  }
}
