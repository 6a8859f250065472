import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import TunnelCore

@testable import RelayServer

/// How many connections come in, and what is said of the rest.
@Suite("door")
struct DoorTests {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])

    var logger: Logger {
      Logger(label: "test") { _ in Handler(lines: self) }
    }

    struct Handler: LogHandler {
      let lines: Lines
      var metadata: Logger.Metadata = [:]
      var logLevel = Logger.Level.info
      subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
      }
      func log(event: LogEvent) {
        let words = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map {
          "\($0.key)=\($0.value)"
        }
        lines.all.withLock { $0.append("\(event.message) \(words.joined(separator: " "))") }
      }
    }
  }

  private let loop = EmbeddedEventLoop()
  private let lines = Lines()

  private func door(_ limits: IngressLimits, proxies: [String] = []) -> Door {
    Door(limits, TrustedProxies(proxies.compactMap { AddressBlock($0) }), loop, lines.logger)
  }

  private func comer(_ address: String) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(loop: loop)
    channel.remoteAddress = try SocketAddress(ipAddress: address, port: 1)
    return channel
  }

  /// Whether each of them comes in.
  private func enter(_ door: Door, _ addresses: String...) throws -> [Bool] {
    try addresses.map { address in
      let channel = try comer(address)
      do {
        try door.enter(channel)
        return true
      } catch { return false }
    }
  }

  @Test("an address has its number, an IPv6 line too; loopback and trusted proxies have no such")
  func perAddress() throws {
    var limits = IngressLimits()
    limits.connectionsPerAddress = 1
    let door = door(limits, proxies: ["10.0.0.0/8"])
    #expect(try enter(door, "192.0.2.1", "192.0.2.1", "192.0.2.2") == [true, false, true])
    #expect(
      try enter(door, "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1") == [true, false, true])
    #expect(try enter(door, "127.0.0.1", "127.0.0.1", "::1", "::1").allSatisfy { $0 })
    #expect(try enter(door, "10.1.1.1", "10.1.1.1").allSatisfy { $0 })
  }

  @Test("one that closes makes room")
  func leaves() throws {
    var limits = IngressLimits()
    limits.connections = 1
    let door = door(limits)
    let first = try comer("192.0.2.1")
    try door.enter(first)
    #expect(try enter(door, "192.0.2.2") == [false])
    _ = try? first.finish()
    #expect(try enter(door, "192.0.2.2") == [true])
  }

  @Test("the log has one line a second, with the count")
  func log() throws {
    var limits = IngressLimits()
    limits.connectionsPerAddress = 1
    let door = door(limits)
    for _ in 0..<1_001 { _ = try enter(door, "192.0.2.1") }
    loop.advanceTime(by: .milliseconds(999))
    #expect(lines.all.withLock { $0 } == [])
    loop.advanceTime(by: .milliseconds(1))
    #expect(
      lines.all.withLock { $0 } == [
        "connections were not let in last=192.0.2.1 not_accepted=0 over_address=1000 over_all=0"
      ])
    loop.advanceTime(by: .seconds(10))
    #expect(lines.all.withLock { $0.count } == 1)
  }
}
