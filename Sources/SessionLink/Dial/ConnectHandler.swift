import HTTPMessage
import NIOCore

/// Asks a proxy for a way to the relay (CONNECT, RFC 9110 section 9.3.6) and says once how it
/// went; then it leaves, and the connection is a pipe to the relay.
final class ConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// A name or an address, with brackets around an IPv6 one, and the port.
  private let authority: String
  private let authorization: String?
  private var reader = ResponseReader()
  private var unread = ByteBuffer()
  private var done: ((ProxyFault?) -> Void)?

  init(
    _ authority: String, authorization: String?, done: @escaping (ProxyFault?) -> Void
  ) {
    self.authority = authority
    self.authorization = authorization
    self.done = done
    reader.expect(RequestContext())
  }

  func handlerAdded(context: ChannelHandlerContext) {
    var head = "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n"
    if let authorization { head += "Proxy-Authorization: \(authorization)\r\n" }
    let request = ByteBuffer(string: head + "\r\n")
    context.writeAndFlush(wrapOutboundOut(request), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard done != nil else { return context.fireChannelRead(data) }
    unread.writeImmutableBuffer(unwrapInboundIn(data))
    do {
      while true {
        switch try reader.next(in: unread) {
        case .interim(let length): unread.moveReaderIndex(forwardBy: length)
        case .head(let length): return answered(length, context)
        case .more, .body, .switched, .end: return
        }
      }
    } catch {
      say(.strange("\(error)"))
    }
  }

  /// A yes has no body, whatever its fields announce.
  private func answered(_ length: Int, _ context: ChannelHandlerContext) {
    let status = reader.head.status
    switch status {
    case 200..<300:
      unread.moveReaderIndex(forwardBy: length)
      say(nil)
      if unread.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(unread)) }
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
    // 401 is for the other end's credentials, and what some proxies say of their own (tinyproxy).
    case 401, 407: say(.authentication(sent: authorization != nil))
    default: say(.refused(status: status, reason: unread.text(reader.head.reason)))
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if done == nil { context.fireErrorCaught(error) } else { say(.closed) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if done == nil { context.fireChannelInactive() } else { say(.closed) }
  }

  private func say(_ fault: ProxyFault?) {
    let done = done
    self.done = nil
    done?(fault)
  }
}
