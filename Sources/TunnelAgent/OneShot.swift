import Glibc
import NIOCore
import NIOPosix
import TunnelCore

/// One request to the relay on a connection of its own, as commands need it. Plain http only so
/// far: an https relay is `relay-tls`. Throws 69 `relay-unreachable` where no answer comes.
package enum OneShot {
  static let patience = TimeAmount.seconds(10)

  package static let exchange: RelayAPI.Exchange = { relay, request throws(UserError) in
    guard relay.scheme == .http else {
      throw UserError(
        code: "relay-tls", message: "\(relay): https relays are not in this version yet",
        fix: "use an http:// address of the relay, on this machine or with --plain-http",
        exit: .unavailable)
    }
    do {
      return try await ask(relay, request)
    } catch let fault as AnswerCollector.Fault {
      throw UserError(
        code: "relay-answer", message: "\(relay) did not answer as a relay does: \(fault)",
        fix: "check the address, and what stands in front of the relay", exit: .unavailable)
    } catch {
      throw UserError(
        code: "relay-unreachable", message: "\(relay) cannot be reached: \(words(error))",
        fix: "check the address, and that the relay runs", exit: .unavailable)
    }
  }

  private static func ask(
    _ relay: RelayAddress, _ request: RelayAPI.Request
  ) async throws -> RelayAPI.Answer {
    let loops = MultiThreadedEventLoopGroup.singleton
    let channel = try await ClientBootstrap(group: loops)
      .connectTimeout(patience)
      .connect(host: relay.dialHost, port: relay.port).get()
    let bytes = head(relay, request) + (request.body ?? [])
    let answer = channel.eventLoop.makePromise(of: RelayAPI.Answer.self)
    channel.eventLoop.execute {
      let late = channel.eventLoop.scheduleTask(in: patience) {
        answer.fail(ChannelError.connectTimeout(patience))
      }
      answer.futureResult.whenComplete { _ in late.cancel() }
      do {
        try channel.pipeline.syncOperations.addHandler(AnswerHandler(answer))
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
      } catch {
        answer.fail(error)
      }
    }
    do {
      let whole = try await answer.futureResult.get()
      channel.close(promise: nil)
      return whole
    } catch {
      channel.close(promise: nil)
      throw error
    }
  }

  static func head(_ relay: RelayAddress, _ request: RelayAPI.Request) -> [UInt8] {
    var lines = [
      "\(request.method) \(request.path) HTTP/1.1", "Host: \(relay.authority)",
      "Authorization: Bearer \(request.token)", "Accept: application/json",
      "User-Agent: tunnel/\(TunnelVersion.number)", "Connection: close",
    ]
    if let body = request.body {
      lines += ["Content-Type: application/json", "Content-Length: \(body.count)"]
    }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// What went wrong on the way, in a person's words.
  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
    case let error as NIOConnectionError:
      if let first = error.connectionErrors.first?.error { return words(first) }
      return "no address is known for \(error.host)"
    case ChannelError.connectTimeout: return "no answer in time"
    default: return "\(error)"
    }
  }
}

/// Collects the answer. It lives on its channel's event loop.
private final class AnswerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private var collector = AnswerCollector()
  private let answer: EventLoopPromise<RelayAPI.Answer>

  init(_ answer: EventLoopPromise<RelayAPI.Answer>) {
    self.answer = answer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      let bytes = unwrapInboundIn(data).readableBytesView
      if let whole = try collector.receive(bytes) { answer.succeed(whole) }
    } catch {
      answer.fail(error)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    answer.completeWith(Result { try collector.finish() })
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    answer.fail(error)
    context.close(promise: nil)
  }
}
