import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("proxies")
struct ProxyTests {
  @Test(
    "a proxy's address, and what of it is shown",
    arguments: [
      ("proxy:3128", "http://proxy:3128", nil), ("http://Proxy.test", "http://proxy.test:80", nil),
      ("https://p.test/", "https://p.test:443", nil), ("http://[::1]:81", "http://[::1]:81", nil),
      ("http://u:p@p.test:1", "http://p.test:1", "Basic dTpw"),
      ("u:p@p.test:1", "http://p.test:1", "Basic dTpw"),
      ("http://u@p.test:1", "http://p.test:1", "Basic dTo="),
      ("http://u%40a:%2Fp%3a@p.test:1", "http://p.test:1", "Basic dUBhOi9wOg=="),
      ("http://u:a@b%@p.test:1", "http://p.test:1", "Basic dTphQGIl"),
    ] as [(String, String, String?)])
  func address(text: String, shown: String, authorization: String?) throws {
    let proxy = try ProxyAddress(text)
    #expect(proxy.description == shown)
    #expect(proxy.authorization == authorization)
    #expect(proxy.masked.contains("***@") == (authorization != nil))
  }

  @Test(
    "what is no proxy is a fault that repeats no secret",
    arguments: [
      "", "http://", "ftp://p.test", "http://u:hunter2@", "http://u:hunter2@p:0",
      "http://u:hun/ter2@p.test", "http://p.test/hunter2", "socks5://u:hunter2@p.test",
      "socks://p:1", "http://u:hunter2@a b",
    ])
  func bad(text: String) {
    let fault = #expect(throws: ValueFault.self) { try ProxyAddress(text) }
    #expect(fault?.message.contains("hun") == false)
    #expect(fault?.message.contains("SOCKS") == text.hasPrefix("socks"))
  }

  @Test(
    "NO_PROXY: names, suffixes, addresses, blocks, ports",
    arguments: [
      ("relay.test", "relay.test", 443, true), ("relay.test", "a.relay.test", 443, true),
      (".relay.test", "relay.test", 443, true), ("*.relay.test", "a.relay.test", 443, true),
      ("relay.test", "myrelay.test", 443, false), ("Relay.Test.", "relay.test", 443, true),
      ("relay.test:443", "relay.test", 443, true), ("relay.test:80", "relay.test", 443, false),
      ("a, relay.test b", "relay.test", 443, true), ("*", "x", 1, true), ("", "x", 1, false),
      ("*:8443", "x", 8443, true), ("*:8443", "x", 443, false),
      ("10.0.0.0/8", "10.1.2.3", 443, true), ("10.0.0.0/8", "11.1.2.3", 443, false),
      ("10.1.2.3", "10.1.2.3", 443, true), ("10.1.2.3:80", "10.1.2.3", 443, false),
      ("10.1.2.3:443", "10.1.2.3", 443, true), ("fd00::/8", "fd12::1", 443, true),
      ("::1", "::1", 443, true), ("[::1]:443", "::1", 443, true), ("[::1]", "::1", 1, true),
      ("[::1]:80", "::1", 443, false), ("0.1", "10.0.0.1", 443, false),
      ("relay.test:x", "relay.test", 443, false), (",,", "x", 1, false), (".", "x", 1, false),
    ])
  func exceptions(text: String, host: String, port: Int, isExcepted: Bool) {
    #expect(NoProxy(text).excepts(host, port: port) == isExcepted)
  }

  private static let proxies = [
    "HTTPS_PROXY": "https-proxy:1", "ALL_PROXY": "all-proxy:2", "HTTP_PROXY": "http-proxy:3",
  ]

  @Test(
    "which setting counts for which relay",
    arguments: [
      ("https://t.test", nil, [:], "environment HTTPS_PROXY: http://https-proxy:1"),
      ("http://t.test", nil, [:], "environment ALL_PROXY: http://all-proxy:2"),
      ("http://127.0.0.1:8080", nil, [:], "a relay on this machine: direct"),
      ("http://[::1]:8080", nil, [:], "a relay on this machine: direct"),
      ("https://localhost", nil, [:], "environment HTTPS_PROXY: http://https-proxy:1"),
      ("https://t.test", nil, ["NO_PROXY": ".test"], "environment NO_PROXY: direct"),
      ("https://t.test", nil, ["no_proxy": "t.test:443"], "environment no_proxy: direct"),
      (
        "https://t.test", nil, ["NO_PROXY": "u.test"],
        "environment HTTPS_PROXY: http://https-proxy:1"
      ),
      ("https://t.test", "direct", [:], "flag --proxy: direct"),
      ("https://t.test", "f:9", ["NO_PROXY": "*"], "flag --proxy: http://f:9"),
      ("http://localhost", "f:9", [:], "flag --proxy: http://f:9"),
      (
        "https://t.test", nil, ["HTTPS_PROXY": "", "https_proxy": "low:4"],
        "environment https_proxy: http://low:4"
      ),
      ("https://t.test", nil, ["HTTPS_PROXY": ""], "environment ALL_PROXY: http://all-proxy:2"),
      (
        "https://t.test", nil, ["HTTPS_PROXY": "", "ALL_PROXY": "", "all_proxy": "low:4"],
        "environment all_proxy: http://low:4"
      ),
      ("https://t.test", nil, ["HTTPS_PROXY": "", "ALL_PROXY": ""], "no proxy is set: direct"),
      (
        "https://t.test", nil, ["HTTPS_PROXY": "socks5://s:1", "NO_PROXY": "t.test"],
        "environment NO_PROXY: direct"
      ),
    ] as [(String, String?, [String: String], String)])
  func route(
    relay: String, flag: String?, more: [String: String], wanted: String
  ) throws {
    let environment = Self.proxies.merging(more) { $1 }
    let route = try ProxyRoute.to(
      RelayAddress(relay, plainHTTP: true), flag: flag.map { Sourced($0, .flag("--proxy")) },
      environment: environment)
    #expect("\(route.source): \(route.value.shown)" == wanted)
  }

  @Test("a bad proxy is 2 as a flag and 78 in the environment, and only where it would be used")
  func faults() throws {
    let relay = try RelayAddress("https://t.test")
    let flag = #expect(throws: UserError.self) {
      try ProxyRoute.to(relay, flag: Sourced("socks5://s", .flag("--proxy")), environment: [:])
    }
    #expect(flag?.exit == .usage)
    #expect(flag?.message == "--proxy: a SOCKS proxy is not supported")
    let environment = ["ALL_PROXY": "socks5://s"]
    let all = #expect(throws: UserError.self) {
      try ProxyRoute.to(relay, flag: nil, environment: environment)
    }
    #expect(all?.exit == .configuration)
    #expect(all?.message.hasPrefix("ALL_PROXY: ") == true)
    #expect(
      try ProxyRoute.to(.local, flag: nil, environment: environment).value == .direct)
  }
}
