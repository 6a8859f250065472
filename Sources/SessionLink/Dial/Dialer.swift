import NIOCore
import NIOPosix

/// What came back.
package enum DialAnswer {
  /// `isRelays`: it carries `Tunnel-Error`, so nothing in between made it up; and it is no 426 to
  /// a request out of which something in between took the upgrade.
  case message(status: Int, body: ByteBuffer, isRelays: Bool)
  /// 101: the connection is the caller's now, with what already came behind the head.
  case switched(any Channel, rest: ByteBuffer)
}

/// An HTTP proxy on the way to a relay.
package struct DialProxy: Sendable {
  /// A name or an address without brackets.
  package let host: String
  package let port: Int
  /// Set where the proxy itself is spoken to by TLS.
  package let trust: TrustStore?
  /// The whole value of a Proxy-Authorization field.
  package let authorization: String?

  package init(host: String, port: Int, trust: TrustStore?, authorization: String?) {
    self.host = host
    self.port = port
    self.trust = trust
    self.authorization = authorization
  }
}

/// The agent's one way out to the relay: for links, and for single questions to its API. A name's
/// IPv6 and IPv4 addresses are tried side by side (RFC 8305), which NIO does.
package struct Dialer: Sendable {
  /// A name or an address without brackets.
  package let host: String
  package let port: Int
  /// Set where the relay is spoken to by TLS.
  package let trust: TrustStore?
  package let proxy: DialProxy?
  /// limits.md: TCP dial, and dial with everything up to the answer.
  package var connectTimeout = TimeAmount.milliseconds(3_500)
  package var answerTimeout = TimeAmount.seconds(10)
  /// Puts TLS of the caller's own below the request, in place of `trust`.
  package var prepare: (@Sendable (any Channel) throws -> Void)?
  /// Nil for the system's.
  var resolver: (any Resolver & Sendable)?

  package init(host: String, port: Int, trust: TrustStore? = nil, proxy: DialProxy? = nil) {
    self.host = host
    self.port = port
    self.trust = trust
    self.proxy = proxy
  }

  /// Sends one whole request and waits for its answer, of which it keeps at most 1 MiB. With a
  /// carrier the request is that carrier's handshake. Fails with `DialFault`.
  package func ask(
    _ request: ByteBuffer, over carrier: Carrier? = nil, on loop: any EventLoop
  ) -> EventLoopFuture<DialAnswer> {
    let answer = loop.makePromise(of: DialAnswer.self)
    loop.execute { DialAttempt(self, request, carrier, loop, answer).start() }
    return answer.futureResult
  }
}
