import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import SessionLink

/// TLS on the way to a relay: what is trusted, and how each refusal is told apart.
@Suite("dialer, TLS")
struct DialerTLSTests {
  private let authority: TestAuthority

  init() throws { authority = try TestAuthority() }

  private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

  /// What becomes of a dial to `host`, at whatever address it has, on a listener of that server.
  private func dial(
    _ server: NIOSSLContext, as host: String = "localhost", trust: TrustStore? = nil,
    bound: String = "127.0.0.1"
  ) async throws -> Asked {
    let relay = try await RawListener.bind(bound, tls: server)
    var dialer = Dialer(host: host, port: relay.port, trust: try trust ?? authority.trust)
    dialer.resolver = FixedResolver(bound)
    async let asked = Asked.ask(dialer)
    let socket = try await relay.accept()
    if (try? await socket.until("\r\n\r\n")) != nil { try await socket.send(Self.answer) }
    let outcome = try await asked
    try await relay.close()
    return outcome
  }

  @Test(
    "an added authority is trusted for the names and addresses of its certificates",
    arguments: [
      (["localhost"], [], "localhost", "127.0.0.1"), (["*.Relay.test"], [], "a.relay.test", "::1"),
      ([], [[127, 0, 0, 1]], "127.0.0.1", "127.0.0.1"),
      ([], [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]], "::1", "::1"),
    ] as [([String], [[UInt8]], String, String)])
  func trusted(names: [String], addresses: [[UInt8]], host: String, bound: String) async throws {
    let identity = try authority.identity(names: names, addresses: addresses)
    #expect(try await dial(identity.server(), as: host, bound: bound) == .answer(200, "hi"))
  }

  @Test("a certificate that signs itself is trusted if it was added, else told apart")
  func selfSigned() async throws {
    let identity = try TestIdentity(["localhost"])
    #expect(try await dial(identity.server()) == .fault(.tls(.selfSigned("CN=localhost"))))
    let trust = try TestAuthority.trust(identity.certificate)
    #expect(try await dial(identity.server(), trust: trust) == .answer(200, "hi"))
  }

  @Test("an unknown issuer is named, by system and additions alike")
  func unknownIssuer() async throws {
    let server = try TestAuthority("Corporate Proxy CA").identity().server()
    let fault = Asked.fault(.tls(.unknownIssuer("CN=Corporate Proxy CA")))
    #expect(try await dial(server) == fault)
    #expect(try await dial(server, trust: TrustStore()) == fault)
  }

  @Test("another name is refused with the names that are there")
  func wrongName() async throws {
    let identity = try authority.identity(names: ["a.test", "b.test"], addresses: [[10, 0, 0, 1]])
    let names = ["a.test", "b.test", "10.0.0.1"]
    #expect(try await dial(identity.server()) == .fault(.tls(.wrongName(names))))
    #expect(try await dial(identity.server(), as: "127.0.0.1") == .fault(.tls(.wrongName(names))))
    let nameless = try authority.identity(names: [])
    #expect(try await dial(nameless.server()) == .fault(.tls(.wrongName([]))))
  }

  @Test("a certificate for the address of the socket does not stand for a name")
  func addressIsNoName() async throws {
    let identity = try authority.identity(names: [], addresses: [[127, 0, 0, 1]])
    #expect(try await dial(identity.server()) == .fault(.tls(.wrongName(["127.0.0.1"]))))
  }

  @Test("too old and too new a certificate are told with their dates")
  func dates() async throws {
    let old = try authority.identity(begin: -7_200, end: -3_600)
    guard case .fault(.tls(.expired(let end))) = try await dial(old.server()) else {
      Issue.record("not expired")
      return
    }
    #expect(end.contains(#/^20\d\d-\d\d-\d\d \d\d:\d\d UTC$/#))
    let new = try authority.identity(begin: 1_800, end: 3_600)
    guard case .fault(.tls(.notYetValid)) = try await dial(new.server()) else {
      Issue.record("valid already")
      return
    }
  }

  @Test("a server that speaks only TLS 1.1 is refused")
  func oldProtocol() async throws {
    let server = try authority.identity().server { configuration in
      configuration.minimumTLSVersion = .tlsv1
      configuration.maximumTLSVersion = .tlsv11
    }
    guard case .fault(.tls(.broken)) = try await dial(server) else {
      Issue.record("TLS 1.1")
      return
    }
  }

  @Test(
    "what is no TLS is told apart from what breaks off",
    arguments: [
      ("HTTP/1.1 400 Bad Request\r\n\r\n", TLSFault.plainHTTP), ("SSH-2.0-x\r\n", .noTLS),
      ("", .broken("the connection ended during the handshake")),
    ])
  func noTLS(answer: String, fault: TLSFault) async throws {
    let relay = try await RawListener.bind()
    async let asked = Asked.ask(
      Dialer(host: "127.0.0.1", port: relay.port, trust: try authority.trust))
    let socket = try await relay.accept()
    // A close with bytes unread is a reset, which may take the answer along.
    _ = try await socket.inbox.count(5)
    if !answer.isEmpty { try await socket.send(answer) }
    try await socket.close()
    #expect(try await asked == .fault(.tls(fault)))
  }

  @Test("a peer that never answers to the handshake is out of time before it was asked")
  func silent() async throws {
    let relay = try await RawListener.bind()
    var dialer = Dialer(host: "127.0.0.1", port: relay.port, trust: try authority.trust)
    dialer.answerTimeout = .milliseconds(500)
    #expect(try await Asked.ask(dialer) == .fault(.timedOut))
    _ = try await relay.accept().inbox.rest()
  }

  @Test("additions must be certificates")
  func additions() throws {
    var additions = TrustStore.Additions()
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x"] {
      #expect(throws: TrustStore.Fault.noCertificates) { try additions.add(pem: Array(text.utf8)) }
    }
    #expect(additions.isEmpty)
  }
}

/// The outcome of one question, as a value.
enum Asked: Equatable, Sendable {
  case answer(Int, String)
  case switched(String)
  case fault(DialFault)

  static func ask(
    _ dialer: Dialer, over carrier: Carrier? = nil, _ request: String = "GET / HTTP/1.1\r\n\r\n"
  ) async throws -> Asked {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    // A busy machine is not what these tests are about.
    var dialer = dialer
    dialer.connectTimeout = .seconds(25)
    if dialer.answerTimeout == .seconds(10) { dialer.answerTimeout = .seconds(25) }
    do {
      return try await dialer.ask(ByteBuffer(string: request), over: carrier, on: loop).map {
        switch $0 {
        case .message(let status, let body, _): return Asked.answer(status, String(buffer: body))
        case .switched(let channel, let rest):
          channel.close(promise: nil)
          return .switched(String(buffer: rest))
        }
      }.get()
    } catch let fault as DialFault {
      return .fault(fault)
    }
  }
}

/// Gives every name the same addresses.
final class FixedResolver: Resolver, Sendable {
  private let addresses: [String]

  init(_ addresses: String...) { self.addresses = addresses }

  private func found(_ port: Int, _ isMine: (SocketAddress) -> Bool) throws -> [SocketAddress] {
    try addresses.map { try SocketAddress(ipAddress: $0, port: port) }.filter(isMine)
  }

  private func future(
    _ port: Int, _ isMine: @Sendable (SocketAddress) -> Bool
  ) -> EventLoopFuture<[SocketAddress]> {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    return loop.makeCompletedFuture(Result { try found(port, isMine) })
  }

  func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    future(port) { if case .v4 = $0 { true } else { false } }
  }

  func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    future(port) { if case .v6 = $0 { true } else { false } }
  }

  func cancelQueries() {}
}
