import HTTPMessage
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Why a relay could not be asked.
package enum DialFault: Error, Equatable, Sendable {
  /// No connection: refused, no route, name not found.
  case unreachable(String)
  case timedOut
  /// The connection ended, or what came is no HTTP/1.1 answer.
  case broken(String)
}

/// What came back.
package enum DialAnswer {
  case message(status: Int, body: ByteBuffer)
  /// 101: the connection is the caller's now, with what already came behind the head.
  case switched(any Channel, rest: ByteBuffer)
}

/// The agent's one way out to the relay: for links, and for single questions to its API.
package struct Dialer: Sendable {
  package let host: String
  package let port: Int
  /// limits.md: TCP dial, and dial with everything up to the answer.
  package var connectTimeout = TimeAmount.milliseconds(3_500)
  package var answerTimeout = TimeAmount.seconds(10)
  /// Puts what the relay wants below the request into the pipeline, TLS for one.
  package var prepare: (@Sendable (any Channel) throws -> Void)?

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Sends one whole request and waits for its answer, of which it keeps at most 1 MiB.
  package func ask(
    _ request: ByteBuffer, wantsUpgrade: Bool, on loop: any EventLoop
  ) -> EventLoopFuture<DialAnswer> {
    let answer = loop.makePromise(of: DialAnswer.self)
    let connected = ClientBootstrap(group: loop)
      .connectTimeout(connectTimeout)
      .channelInitializer { [prepare] channel in
        channel.eventLoop.makeCompletedFuture {
          try prepare?(channel)
          try channel.pipeline.syncOperations.addHandler(
            AnswerHandler(request, wantsUpgrade: wantsUpgrade, answer: answer))
        }
      }
      .connect(host: host, port: port)
    connected.whenFailure { error in answer.fail(Self.fault(error)) }
    let deadline = loop.scheduleTask(in: answerTimeout) {
      answer.fail(DialFault.timedOut)
      connected.whenSuccess { $0.close(promise: nil) }
    }
    answer.futureResult.whenComplete { _ in deadline.cancel() }
    return answer.futureResult
  }

  private static func fault(_ error: any Error) -> DialFault {
    switch error {
    case let error as NIOConnectionError:
      if let first = error.connectionErrors.first { return fault(first.error) }
      return .unreachable("\(error.host): the name is not known")
    case ChannelError.connectTimeout: return .timedOut
    case let error as IOError: return .unreachable(String(cString: strerror(error.errnoCode)))
    default: return .unreachable("\(error)")
    }
  }
}

/// Reads one answer strictly; a 101 leaves the connection to the caller.
private final class AnswerHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let longestBody = 1 << 20
  private let request: ByteBuffer
  private let answer: EventLoopPromise<DialAnswer>
  private var reader = ResponseReader()
  private var unread = ByteBuffer()
  private var body = ByteBuffer()
  private var isDone = false

  init(_ request: ByteBuffer, wantsUpgrade: Bool, answer: EventLoopPromise<DialAnswer>) {
    self.request = request
    self.answer = answer
    reader.expect(RequestContext(isHead: false, upgrade: wantsUpgrade, minorVersion: 1))
  }

  func channelActive(context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(request), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unread.writeImmutableBuffer(unwrapInboundIn(data))
    do { try read(context) } catch { fail("its answer is no valid HTTP: \(error)", context) }
  }

  private func read(_ context: ChannelHandlerContext) throws(MessageFault) {
    while !isDone {
      switch try reader.next(in: unread) {
      case .more: return
      case .head(let length), .interim(let length): unread.moveReaderIndex(forwardBy: length)
      case .body(let count):
        if let bytes = unread.readSlice(length: count) { body.writeImmutableBuffer(bytes) }
        if body.readableBytes > Self.longestBody {
          return fail("its answer is too long", context)
        }
      case .switched(let length):
        isDone = true
        unread.moveReaderIndex(forwardBy: length)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        answer.succeed(.switched(context.channel, rest: unread))
      case .end: finish(context)
      }
    }
  }

  private func finish(_ context: ChannelHandlerContext) {
    isDone = true
    let whole = reader.framing == .chunked ? body.withoutChunkFrames() : body
    answer.succeed(.message(status: reader.head.status, body: whole))
    context.close(promise: nil)
  }

  private func fail(_ why: String, _ context: ChannelHandlerContext) {
    isDone = true
    answer.fail(DialFault.broken(why))
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !isDone { fail("the connection broke", context) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    guard !isDone else { return }
    do {
      try reader.finish(unread: unread.readableBytes)
      finish(context)
    } catch {
      fail("the connection ended before its answer", context)
    }
  }
}

extension ByteBuffer {
  /// The data of a chunked body (RFC 9112 section 7.1) that a reader has found to be whole.
  fileprivate func withoutChunkFrames() -> ByteBuffer {
    var (rest, data) = (self, ByteBuffer())
    while let line = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
      let size = rest.readString(length: line + 1 - rest.readerIndex) ?? ""
      guard let count = Int(size.prefix { $0.isHexDigit }, radix: 16), count > 0,
        let chunk = rest.readSlice(length: count)
      else { break }
      data.writeImmutableBuffer(chunk)
      rest.moveReaderIndex(forwardBy: min(2, rest.readableBytes))
    }
    return data
  }
}
