import Testing
import TunnelCore

@testable import RelayStore

@Suite struct TCPPortsTests {
  let temporary = TemporaryStore()
  private let range = 20_000...20_003

  @Test("an account finds its port again by its label, also in a store opened anew")
  func labels() async throws {
    var store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base).id
    #expect(try await store.heldPort(nil, label: "db", account: ann) == nil)
    let first = try await store.claimPort(20_001, label: "db", account: ann)
    #expect(first.isNew && first.port == 20_001)
    store = try temporary.open()
    let again = try await store.heldPort(nil, label: "db", account: ann)
    #expect(again == PortClaim(endpoint: first.endpoint, port: 20_001, isNew: false))
    #expect(try await store.claimPort(20_001, label: "else", account: ann) == again)
    // A label finds the first port that it was given; a second one is found by its number.
    _ = try await store.claimPort(20_002, label: "db", account: ann)
    #expect(try await store.heldPort(nil, label: "db", account: ann) == again)
    #expect(try await store.heldPort(20_002, label: "db", account: ann)?.port == 20_002)
  }

  @Test("a held port is no other account's, whatever it asks with")
  func others() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base).id
    let bob = try await store.addAccount("bob", base: base).id
    _ = try await store.claimPort(20_001, label: "db", account: ann)
    await #expect(throws: StoreFault.portTaken(20_001)) {
      try await store.heldPort(20_001, label: "db", account: bob)
    }
    await #expect(throws: StoreFault.portTaken(20_001)) {
      try await store.claimPort(20_001, label: "db", account: bob, evenResting: true)
    }
    await #expect(throws: StoreFault.noSuchDomain("TCP port 20001")) {
      try await store.releasePort(20_001, account: bob)
    }
    #expect(try await store.heldPort(nil, label: "db", account: bob) == nil)
    #expect(try await store.freePorts(in: range, for: bob) == [20_000, 20_002, 20_003])
    #expect(try await store.tcpPorts(accountID: bob).isEmpty)
    let listed = try await store.tcpPorts()
    #expect(listed.map(\.port) == [20_001] && listed.map(\.account) == ["ann"])
  }

  @Test("a released port rests for others, who get it by itself only when no other is left")
  func rest() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base).id
    let bob = try await store.addAccount("bob", base: base).id
    for port in [20_000, 20_001] {
      _ = try await store.claimPort(port, label: "\(port)", account: ann)
      try await store.releasePort(port, account: ann)
      temporary.wait(milliseconds: 1)
    }
    #expect(try await store.freePorts(in: range, for: ann) == Array(range))
    #expect(try await store.freePorts(in: range, for: bob) == [20_002, 20_003, 20_000, 20_001])
    await #expect(throws: StoreFault.portResting(20_000, days: 30)) {
      try await store.claimPort(20_000, label: "x", account: bob)
    }
    #expect(
      try await store.claimPort(20_000, label: "x", account: bob, evenResting: true).isNew)
    temporary.wait(days: 30)
    #expect(try await store.claimPort(20_001, label: "y", account: bob).isNew)
  }

  @Test("names and ports of an account are a hundred together")
  func limit() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base).id
    for port in 1...99 { _ = try await store.claimPort(port, label: "\(port)", account: ann) }
    await #expect(throws: StoreFault.limitReached(domains: 100)) {
      try await store.claimPort(100, label: "100", account: ann)
    }
    await #expect(throws: StoreFault.limitReached(domains: 100)) {
      try await store.claim(DomainsTests.below("shop"), account: ann, base: base)
    }
    try await store.releasePort(5, account: nil)
    _ = try await store.claimPort(100, label: "100", account: ann)
  }

  @Test("ports are none of the account's domains, keep no host, and go with their account")
  func apart() async throws {
    let store = try temporary.open()
    _ = try await store.assumeBase(.known("before.example"))
    let ann = try await store.addAccount("ann", base: .known("before.example"))
    let claim = try await store.claimPort(20_001, label: "db", account: ann.id)
    _ = try await store.claimPort(20_002, label: "old", account: ann.id)
    try await store.releasePort(20_002, account: ann.id)
    try await store.settleBase(base)
    #expect(try await store.domains(accountID: ann.id).count == 1)
    let directory = try await store.directory()
    #expect(directory.hosts.count == 1 && directory.ports[20_001]?.endpoint == claim.endpoint)
    try await store.raiseEpoch(of: claim.endpoint, to: Epoch(1), install: ann.id, instance: ann.id)
    #expect(try await store.directory().ports[20_001]?.servedIn == Epoch(1))
    #expect(try await store.temporaryEndpoints().isEmpty)
    try await store.removeAccount("ann")
    #expect(try await store.directory().ports.isEmpty)
    let bob = try await store.addAccount("bob", base: base).id
    await #expect(throws: StoreFault.portResting(20_001, days: 30)) {
      try await store.claimPort(20_001, label: "db", account: bob)
    }
  }
}
