import HTTPMessage
import NIOCore
import SessionLink
import TunnelCore

/// One connection of the plain listener that only sends visitors on to https: heads are as strict
/// as the ingress's and have its limits and deadlines, bodies are not read, nothing else is ever
/// served. (A challenge of ACME, RFC 8555, section 8.3, would be answered before the redirect.)
/// Belongs to the relay's event loop.
final class RedirectConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let relay: RelayCore
  private let deadline = LazyDeadline()
  private var reader: RequestReader
  private var unread = ByteBuffer()
  /// The deadline of the head that is being read is set.
  private var headHasBegun = true
  /// What still comes is thrown away, so that the last answer is not lost to a reset.
  private var lingers = false
  private var lingered = 0

  init(_ relay: RelayCore) {
    self.relay = relay
    reader = RequestReader(limits: relay.limits.heads)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    deadline.met = { channel.close(promise: nil) }
    deadline.set(relay.limits.firstHead, on: relay.loop)
    if channel.isActive { context.read() }
  }

  func channelActive(context: ChannelHandlerContext) { context.read() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    if lingers {
      lingered += bytes.readableBytes
      if lingered > IngressConnection.lingerBytes { context.close(promise: nil) }
      return
    }
    unread.append(bytes)
    step(context)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
    // Whoever takes no answers is not read until the deadline has come.
    if context.channel.isWritable { context.read() }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { context.read() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .inputClosed? = event as? ChannelEvent else { return }
    context.flush()
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { deadline.cancel() }

  private func step(_ context: ChannelHandlerContext) {
    do throws(MessageFault) {
      while !lingers, case .head(let length) = try reader.next(in: unread) {
        answer(context)
        unread.moveReaderIndex(forwardBy: length)
        if lingers { break }
        reader.restart()
        headHasBegun = false
        deadline.set(relay.limits.idle, on: relay.loop)
      }
      if lingers || unread.readableBytes == 0 {
        unread = ByteBuffer()
      } else if !headHasBegun {
        headHasBegun = true
        deadline.set(relay.limits.laterHead, on: relay.loop)
      }
    } catch {
      refuse(context, Refusal(error))
    }
  }

  private func answer(_ context: ChannelHandlerContext) {
    let head = reader.head
    // Where a body begins nothing can be read before its end.
    let closes = head.closes || head.framing.hasBody || relay.isDraining
    do throws(Refusal) {
      let bytes = try RedirectAnswer.bytes(
        head, in: unread, port: relay.hub.urls.securePort, close: closes)
      context.write(wrapOutboundOut(bytes), promise: nil)
      if closes { end(context) }
    } catch {
      refuse(context, error)
    }
  }

  private func refuse(_ context: ChannelHandlerContext, _ refusal: Refusal) {
    let client = context.remoteAddress?.ipAddress ?? "unknown"
    let record = ExchangeRecord(
      client: client, receivedAt: WallClock.milliseconds(), id: relay.newID(), at: .now)
    record.isHead = reader.head.method == .head
    let bytes = RefusalAnswer.bytes(Problem(refusal), to: record, close: true)
    context.write(wrapOutboundOut(bytes), promise: nil)
    end(context)
  }

  private func end(_ context: ChannelHandlerContext) {
    lingers = true
    deadline.set(IngressConnection.lingerTime, on: relay.loop)
    context.flush()
    context.close(mode: .output, promise: nil)
  }
}
