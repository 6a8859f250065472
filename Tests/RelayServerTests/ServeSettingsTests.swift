import Glibc
import Testing
import TunnelCore

@testable import RelayServer

/// Flags over `relay.yml` over defaults, and what cannot be served like that.
@Suite("serve settings")
struct ServeSettingsTests {
  private func settings(_ text: String, _ options: ServeOptions) throws -> ServeSettings {
    let folder = try temporaryFolder()
    let path = try TestCertificate.write(text, "relay.yml", in: folder)
    defer {
      unlink(path)
      rmdir(folder)
    }
    var options = options
    options.config = path
    return try ServeSettings(options) { $0 ? "of-user" : "of-system" }
  }

  private func fault(_ text: String, _ options: ServeOptions = ServeOptions()) -> UserError? {
    do {
      _ = try settings(text, options)
      return nil
    } catch {
      return error as? UserError
    }
  }

  @Test("the file's keys are taken, and flags win")
  func keys() throws {
    let text = """
      domain: tunnel.example
      listen: "[::]:443"
      data: /data
      public_url: https://tunnel.example:8443
      tls_cert: chain.pem
      tls_key: key.pem
      tls: [{cert: other.pem, key: other-key.pem}]
      redirect_listen: "[::]:80"
      behind_proxy: true
      trusted_proxies: [10.0.0.0/8, "2001:db8::1"]
      limits: {tls_handshake_timeout_ms: 7}
      """
    let file = try settings(text, ServeOptions())
    #expect(file.base.text == "tunnel.example" && file.listen == ListenAddress("[::]:443"))
    #expect(file.dataDirectory == "/data" && file.publicURL == "https://tunnel.example:8443")
    #expect(file.tls.map(\.certificate) == ["chain.pem", "other.pem"])
    #expect(file.tls.map(\.key) == ["key.pem", "other-key.pem"])
    #expect(file.redirect == ListenAddress("[::]:80"))
    #expect(file.isBehindProxy && file.limits.handshake == .milliseconds(7))
    for near in ["127.0.0.1", "10.9.9.9", "2001:db8::1"] {
      #expect(file.proxies.contains(try #require(IPAddress(near))))
    }
    let block = try #require(AddressBlock("192.0.2.0/24"))
    let flags = try settings(
      text,
      ServeOptions(
        publicURL: "https://x.example", tls: [CertificateFiles(certificate: "a", key: "b")],
        trustedProxies: [block]))
    #expect(flags.publicURL == "https://x.example" && flags.tls.map(\.certificate) == ["a"])
    #expect(flags.proxies.contains(try #require(IPAddress("192.0.2.9"))))
    #expect(!flags.proxies.contains(try #require(IPAddress("10.9.9.9"))))
  }

  @Test(
    "what is wrong in the file is 78, with its line",
    arguments: [
      "tls_cert: a.pem", "tls_key: a.pem", "tls: a.pem", "tls: [{cert: a.pem}]", "tls: [{}]",
      "tls: [{cert: a.pem, key: b.pem, name: c}]", "redirect_listen: here",
      "public_url: tunnel.example", "behind_proxy: maybe",
      "trusted_proxies: [10.0.0.0/99]", "trusted_proxies: 10.0.0.0/8", "trusted_proxy: [::1]",
      "limits: {tls_handshake_timeout_ms: 0}", "limits: {connections: 0}",
      "limits: {streams_per_session: 4097}", "limits: {failed_logins_per_min: many}",
      "limits: {login_timeout: 5}",
    ])
  func faults(_ line: String) throws {
    let error = try #require(fault("domain: tunnel.example\n" + line))
    #expect(error.exit == .configuration && error.message.contains("relay.yml:2: "))
  }

  @Test("what a reload cannot take over is named, the rest is not")
  func fixed() throws {
    let text = "domain: tunnel.example\nlisten: 127.0.0.1:1\ntls_cert: a\ntls_key: b\n"
    let old = try settings(text, ServeOptions())
    let same = try settings(
      text + "tls: [{cert: c, key: d}]\nlimits: {keep_alive_timeout_ms: 1, connections: 2}",
      ServeOptions())
    #expect(old.fixedKeys(against: same) == [])
    let other = try settings(
      """
      domain: other.example
      listen: 127.0.0.1:2
      data: /elsewhere
      public_url: https://x.example
      behind_proxy: true
      limits: {agent_wait_ms: 1, drain_ms: 1}
      """, ServeOptions())
    #expect(
      old.fixedKeys(against: other) == [
        "domain", "listen", "data", "public_url", "tls", "behind_proxy", "limits.agent_wait_ms",
        "limits.drain_ms",
      ])
    let redirect = try settings(text + "redirect_listen: 127.0.0.1:3", ServeOptions())
    #expect(old.fixedKeys(against: redirect) == ["redirect_listen"])
  }

  @Test("without a certificate nothing redirects to https")
  func redirect() {
    let error = fault("listen: 127.0.0.1:1\nredirect_listen: 127.0.0.1:2")
    #expect(error?.code == "redirect-unusable" && error?.exit == .configuration)
  }

  @Test("limits are read by their names")
  func limits() throws {
    let limits = try settings(
      """
      domain: tunnel.example
      listen: 127.0.0.1:9000
      limits:
        body_read_timeout_ms: 1
        client_write_timeout_ms: 2
        link_write_timeout_ms: 3
        login_timeout_ms: 4
        failed_logins_per_min: 5
        connections: 6
        connections_per_address: 7
        streams_per_session: 8
        header_read_timeout_ms: 9
      """, ServeOptions()
    ).limits
    #expect(limits.body == .milliseconds(1) && limits.clientWrite == .milliseconds(2))
    #expect(limits.linkWrite == .milliseconds(3) && limits.login == .milliseconds(4))
    #expect([limits.failedLogins, limits.connections] == [5, 6])
    #expect([limits.connectionsPerAddress, limits.streams] == [7, 8])
    #expect(limits.firstHead == .milliseconds(9) && limits.laterHead == .milliseconds(9))
  }

  @Test("the world is listened to with a certificate, behind a proxy, or when told so")
  func world() throws {
    let world = "domain: tunnel.example\nlisten: 0.0.0.0:80\n"
    let block = try #require(AddressBlock("10.0.0.0/8"))
    #expect(fault(world)?.code == "tls-required")
    #expect(fault(world, ServeOptions(trustedProxies: [block]))?.code == "tls-required")
    #expect(fault(world, ServeOptions(plainHTTP: true)) == nil)
    #expect(fault(world, ServeOptions(behindProxy: true)) == nil)
    #expect(fault(world + "behind_proxy: true") == nil)
    #expect(fault(world + "tls_cert: a\ntls_key: b") == nil)
  }

  @Test(
    "the address as the outside writes it",
    arguments: [
      ("", "http://tunnel.example:9000"), ("listen: 127.0.0.1:80", "http://tunnel.example"),
      ("tls_cert: a\ntls_key: b", "https://tunnel.example:9000"),
      ("tls_cert: a\ntls_key: b\nlisten: 127.0.0.1:443", "https://tunnel.example"),
      ("behind_proxy: true", "https://tunnel.example"),
      ("behind_proxy: true\npublic_url: http://tunnel.example:81", "http://tunnel.example:81"),
      ("public_url: https://tunnel.example", "https://tunnel.example"),
    ])
  func addresses(_ lines: String, _ url: String) throws {
    let listen = lines.contains("listen") ? "" : "listen: 127.0.0.1:9000\n"
    let settings = try settings("domain: tunnel.example\n" + listen + lines, ServeOptions())
    #expect(PublicURL(settings).url(settings.base) == url)
  }

  @Test("on localhost a proxy changes nothing about the address")
  func localhost() throws {
    let settings = try settings("behind_proxy: true\nlisten: 127.0.0.1:9000", ServeOptions())
    #expect(PublicURL(settings).url(settings.base) == "http://localhost:9000")
  }
}
