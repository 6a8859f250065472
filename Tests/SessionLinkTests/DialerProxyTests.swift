import NIOCore
import NIOPosix
import Testing

@testable import SessionLink

#if canImport(Glibc)
  import Glibc
#endif

/// A proxy on the way, played by the test; and the families of addresses.
@Suite("dialer, proxies and addresses")
struct DialerProxyTests {
  private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

  private func dialer(
    _ proxy: RawListener, host: String = "relay.test", trust: TrustStore? = nil,
    proxyTrust: TrustStore? = nil, authorization: String? = nil
  ) -> Dialer {
    Dialer(
      host: host, port: 443, trust: trust,
      proxy: DialProxy(
        host: proxyTrust == nil ? "127.0.0.1" : "localhost", port: proxy.port, trust: proxyTrust,
        authorization: authorization))
  }

  /// What a proxy's answer to CONNECT becomes; and what it was asked.
  private func connect(
    _ answer: String, authorization: String? = nil, host: String = "relay.test",
    closes: Bool = false
  ) async throws -> (said: String, outcome: Asked) {
    let proxy = try await RawListener.bind()
    async let asked = Asked.ask(dialer(proxy, host: host, authorization: authorization))
    let socket = try await proxy.accept()
    let said = try await socket.until("\r\n\r\n")
    try await socket.send(answer)
    if closes { try await socket.close() }
    let outcome = try await asked
    try await proxy.close()
    return (said, outcome)
  }

  @Test("CONNECT names the relay, credentials go along, and the relay sees neither")
  func way() async throws {
    let proxy = try await RawListener.bind()
    async let asked = Asked.ask(dialer(proxy, authorization: "Basic YTpi"))
    let socket = try await proxy.accept()
    let head = try await socket.until("\r\n\r\n")
    #expect(
      head == """
        CONNECT relay.test:443 HTTP/1.1\r
        Host: relay.test:443\r
        Proxy-Authorization: Basic YTpi\r
        \r\n
        """)
    try await socket.send("HTTP/1.0 200 Connection established\r\nContent-Length: 7\r\n\r\n")
    #expect(try await socket.until("\r\n\r\n") == "GET / HTTP/1.1\r\n\r\n")
    try await socket.send(answer)
    #expect(try await asked == .answer(200, "hi"))
  }

  @Test("what stands right behind the proxy's yes is the relay's")
  func behind() async throws {
    let both = "HTTP/1.1 200 OK\r\n\r\n" + answer
    #expect(try await connect(both).outcome == .answer(200, "hi"))
    #expect(
      try await connect("HTTP/1.1 100 Continue\r\n\r\n" + both).outcome == .answer(200, "hi"))
  }

  @Test("an IPv6 relay has brackets")
  func brackets() async throws {
    let said = try await connect("HTTP/1.1 502 x\r\n\r\n", host: "::1").said
    #expect(said.hasPrefix("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n"))
  }

  @Test("the relay's TLS goes through the proxy, its name is the relay's")
  func secure() async throws {
    let authority = try TestAuthority()
    for (name, outcome) in [
      ("relay.test", Asked.answer(200, "hi")),
      ("127.0.0.1", .fault(.tls(.wrongName(["127.0.0.1"])))),
    ] {
      let server = try authority.identity(
        names: name == "relay.test" ? [name] : [],
        addresses: name == "relay.test" ? [] : [[127, 0, 0, 1]]
      ).server()
      let proxy = try await RawListener.bind()
      async let asked = Asked.ask(dialer(proxy, trust: authority.trust))
      let socket = try await proxy.accept()
      _ = try await socket.until("\r\n\r\n")
      try await socket.secure(server, "HTTP/1.1 200 OK\r\n\r\n")
      if (try? await socket.until("\r\n\r\n")) != nil { try await socket.send(answer) }
      #expect(try await asked == outcome)
    }
  }

  @Test("a proxy may itself be spoken to by TLS, and then its certificate counts")
  func secureProxy() async throws {
    let authority = try TestAuthority()
    let proxy = try await RawListener.bind(tls: authority.identity().server())
    async let asked = Asked.ask(dialer(proxy, proxyTrust: authority.trust))
    let socket = try await proxy.accept()
    _ = try await socket.until("\r\n\r\n")
    try await socket.send("HTTP/1.1 200 OK\r\n\r\n" + answer)
    #expect(try await asked == .answer(200, "hi"))

    let strange = try await Asked.ask(dialer(proxy, proxyTrust: TrustStore()))
    #expect(strange == .fault(.proxy(.tls(.unknownIssuer("CN=Test Root")))))
  }

  @Test(
    "each no of a proxy is told apart",
    arguments: [
      ("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\n\r\n", .authentication(sent: false)),
      (
        "HTTP/1.1 403 Forbidden by policy\r\nContent-Length: 0\r\n\r\n",
        .refused(status: 403, reason: "Forbidden by policy")
      ),
      ("HTTP/1.1 405 \r\n\r\n", .refused(status: 405, reason: "")),
      ("HTTP/1.0 501 No\r\n\r\n", .refused(status: 501, reason: "No")),
      ("HTTP/1.1 502 Bad Gateway\r\n\r\n", .refused(status: 502, reason: "Bad Gateway")),
    ] as [(String, ProxyFault)])
  func refused(answer: String, fault: ProxyFault) async throws {
    #expect(try await connect(answer).outcome == .fault(.proxy(fault)))
  }

  @Test("wrong credentials are not missing ones")
  func wrongCredentials() async throws {
    let outcome = try await connect("HTTP/1.1 407 No\r\n\r\n", authorization: "Basic x").outcome
    #expect(outcome == .fault(.proxy(.authentication(sent: true))))
    // tinyproxy says so.
    let other = try await connect("HTTP/1.0 401 No\r\n\r\n", authorization: "Basic x").outcome
    #expect(other == .fault(.proxy(.authentication(sent: true))))
  }

  @Test("nonsense, silence, an early end, nobody there")
  func broken() async throws {
    guard case .fault(.proxy(.strange)) = try await connect("SSH-2.0-x\r\n").outcome else {
      Issue.record("taken for a proxy")
      return
    }
    #expect(try await connect("HTTP/1.1 2", closes: true).outcome == .fault(.proxy(.closed)))

    let proxy = try await RawListener.bind()
    var patient = dialer(proxy)
    patient.answerTimeout = .milliseconds(500)
    #expect(try await Asked.ask(patient) == .fault(.proxy(.timedOut)))
    _ = try await proxy.accept().inbox.rest()
    try await proxy.close()
    #expect(
      try await Asked.ask(dialer(proxy)) == .fault(.proxy(.unreachable("Connection refused"))))
    let nobody = DialProxy(host: "no.such.invalid", port: 1, trust: nil, authorization: nil)
    var lost = Dialer(host: "relay.test", port: 443, proxy: nobody)
    lost.resolver = FixedResolver()
    #expect(try await Asked.ask(lost) == .fault(.proxy(.unknownName)))
  }

  @Test("of two families the one that answers is taken, also where the other says nothing")
  func families() async throws {
    for (silent, answering) in [("::1", "127.0.0.1"), ("127.0.0.1", "::1")] {
      let relay = try await RawListener.bind(answering)
      // Nobody takes this one's connections, and its queue is full: a SYN more is not answered.
      let full = try FullListener(silent, port: relay.port)
      var dialer = Dialer(host: "relay.test", port: relay.port)
      dialer.resolver = FixedResolver(silent, answering)
      async let asked = Asked.ask(dialer)
      let socket = try await relay.accept()
      _ = try await socket.until("\r\n\r\n")
      try await socket.send(answer)
      #expect(try await asked == .answer(200, "hi"), "\(silent) is silent")
      try await relay.close()
      full.close()
    }
  }

  @Test("an address that refuses costs nothing where the other family answers")
  func refusedFamily() async throws {
    let relay = try await RawListener.bind("::1")
    var dialer = Dialer(host: "relay.test", port: relay.port)
    dialer.resolver = FixedResolver("127.0.0.1", "::1")
    async let asked = Asked.ask(dialer)
    let socket = try await relay.accept()
    _ = try await socket.until("\r\n\r\n")
    try await socket.send(answer)
    #expect(try await asked == .answer(200, "hi"))
  }
}

/// A listener whose queue of connections is full.
private struct FullListener {
  private var files: [CInt] = []

  init(_ host: String, port: Int) throws {
    let address = try SocketAddress(ipAddress: host, port: port)
    let family = host.contains(":") ? AF_INET6 : AF_INET
    let listener = socket(family, CInt(SOCK_STREAM.rawValue), 0)
    files.append(listener)
    let isBound = address.withSockAddr { bind(listener, $0, socklen_t($1)) } == 0
    try #require(isBound && listen(listener, 0) == 0)
    for _ in 0..<4 {
      let peer = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
      files.append(peer)
      _ = address.withSockAddr { Glibc.connect(peer, $0, socklen_t($1)) }
    }
  }

  func close() {
    for file in files { Glibc.close(file) }
  }
}
