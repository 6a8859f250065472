import Testing
import TunnelCore

@Suite("TCP addresses") struct TCPAddressTests {
  @Test("an address is read with and without its scheme, and nothing else is one")
  func read() throws {
    let host = try DomainName("tunnel.example.com")
    let wanted = TCPAddress(host: host, port: 20_007)
    for text in [
      "tcp://tunnel.example.com:20007", "tunnel.example.com:20007",
      "TCP://Tunnel.example.com:20007",
    ] {
      #expect(TCPAddress(text) == wanted)
    }
    #expect(wanted.description == "tcp://tunnel.example.com:20007")
    #expect(wanted.name == "tunnel.example.com:20007")
    for text in [
      "", ":20007", "tunnel.example.com", "tcp://tunnel.example.com", "tunnel.example.com:0",
      "tunnel.example.com:65536", "tunnel.example.com:x", "http://tunnel.example.com:1",
      "tcp://a.example:1/", "20007", "tcp://[::1]:20007", "a.example:+5",
    ] {
      #expect(TCPAddress(text) == nil, "\(text)")
    }
  }
}
