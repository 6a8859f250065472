import Dispatch
import NIOCore
import SessionLink
import Testing
import TunnelCore

@testable import RelayServer
@testable import RelayStore

/// The connect path against those who try many authtokens, and a database that does not answer.
@Suite("login limits")
struct LoginLimitTests {
  private func connect(_ relay: RunningRelay, _ token: String, _ more: String = "") async throws
    -> RawSocket
  {
    let client = try await relay.client()
    try await client.send(
      String(buffer: Handshake.request(.raw, host: RunningRelay.base, authtoken: token))
        .replacing("\r\n\r\n", with: "\r\n\(more)\r\n"))
    return client
  }

  private let wrong = "tun_000000000000000000000000000000000000"

  @Test("a wrong authtoken's answer is held back, the right one's is not")
  func held() async throws {
    try await withRelay(limits: "failed_logins_per_min: 1") { relay in
      let first = try await connect(relay, wrong)
      #expect(try await first.until("}\n").hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
      // 1, 2, 3 and 4 s.
      var held: [RawSocket] = []
      for _ in 0..<4 { held.append(try await connect(relay, wrong)) }
      let agent = try await relay.servingAgent()
      #expect(held[3].inbox.isEmpty)
      #expect(try await held[0].until("}\n").hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
      #expect(held[3].inbox.isEmpty)
      #expect(try await held[3].until("}\n").hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
      #expect(try await agent.openStreams() == 0)
    }
  }

  @Test("behind a trusted proxy each client has its own count")
  func behindProxy() async throws {
    let proxied: @Sendable (inout ServeOptions) -> Void = { $0.behindProxy = true }
    try await withRelay(limits: "failed_logins_per_min: 1", change: proxied) { relay in
      for number in 1...20 {
        let client = try await connect(
          relay, wrong, "X-Forwarded-For: 192.0.2.\(number)\r\n")
        #expect(try await client.until("}\n").hasPrefix("HTTP/1.1 401 "))
      }
      var held: [RawSocket] = []
      for _ in 0..<4 {
        held.append(try await connect(relay, wrong, "X-Forwarded-For: 192.0.2.1\r\n"))
      }
      let other = try await connect(relay, wrong, "X-Forwarded-For: 192.0.2.99\r\n")
      #expect(try await other.until("}\n").hasPrefix("HTTP/1.1 401 "))
      #expect(held[3].inbox.isEmpty)
    }
  }

  @Test("one that leaves while its answer is held back is let go of")
  func leaves() async throws {
    try await withRelay(limits: "failed_logins_per_min: 1, connections: 2") { relay in
      for _ in 0..<3 {
        let client = try await connect(relay, wrong)
        try await client.reset()
      }
      _ = try await connect(relay, wrong).until("}\n")
    }
  }

  @Test("a database that does not answer in time is 503, and the connection ends")
  func stuck() async throws {
    try await withRelay(limits: "login_timeout_ms: 2000") { relay in
      // A first login writes down when it was; a command beside the relay holds the database.
      let (begun, end) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let store = relay.store
      async let holding: Void = store.write { _ in
        begun.signal()
        end.wait()
      }
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          begun.wait()
          continuation.resume()
        }
      }
      let client = try await connect(relay, relay.ann.token.reveal())
      let (answer, ending) = try await client.inbox.rest()
      #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n") && ending == .end)
      #expect(
        answer.contains("Tunnel-Error: overloaded\r\n") && answer.contains("Retry-After: 1\r\n"))
      end.signal()
      try await holding
      _ = try await relay.servingAgent()
    }
  }
}
