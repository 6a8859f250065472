import Foundation
import Testing
import TunnelCore

@testable import RelayStore

@Suite struct RelayStoreTests {
  let temporary = TemporaryStore()

  @Test("the folder and its files are for their owner alone")
  func modes() async throws {
    let store = try temporary.open()
    _ = try await store.addAccount("ann", base: base)
    #expect(try temporary.mode() == 0o700)
    for file in ["/relay.db", "/relay.db-wal", "/relay.db-shm"] {
      #expect(try temporary.mode(of: file) == 0o600, "\(file)")
    }
  }

  @Test("an acknowledged commit is synced: the writer stays at FULL")
  func synchronous() async throws {
    let store = try temporary.open()
    #expect(try await store.synchronous() == 2)
    _ = try await store.addAccount("ann", base: base)
    #expect(try await store.synchronous() == 2)
  }

  @Test("the version changes with our own writes and with those of another handle, and else not")
  func versions() async throws {
    let store = try temporary.open()
    let other = try temporary.open()
    let first = try await store.dataVersion()
    #expect(try await store.dataVersion() == first)
    _ = try await store.accounts()
    #expect(try await store.dataVersion() == first)
    _ = try await store.addAccount("ann", base: base)
    let second = try await store.dataVersion()
    #expect(second != first)
    let snapshot = try await store.directory()
    #expect(snapshot.revision == second && snapshot.hosts.count == 1)
    try await other.disableAccount("ann")
    #expect(try await store.dataVersion() != second)
    #expect(try await store.directory().disabledAccounts.count == 1)
  }

  @Test("an epoch only rises, and is there after a restart with its owner")
  func epochs() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let endpoint = try #require(try await store.directory().hosts[ann.domain]?.endpoint)
    let fresh = EndpointOwner(epoch: .never, install: nil, instance: nil)
    #expect(try await store.owner(of: endpoint) == fresh)
    let (install, instance) = (ID(high: 1, low: 1), ID(high: 2, low: 2))
    try await store.raiseEpoch(of: endpoint, to: Epoch(3), install: install, instance: instance)
    for epoch in [Epoch(2), Epoch(3)] {
      await #expect(throws: StoreFault.staleEpoch(Epoch(3))) {
        try await store.raiseEpoch(of: endpoint, to: epoch, install: instance, instance: install)
      }
    }
    let reopened = try temporary.open()
    let owned = EndpointOwner(epoch: Epoch(3), install: install, instance: instance)
    #expect(try await reopened.owner(of: endpoint) == owned)
    try await store.ownerLeft(endpoint, epoch: Epoch(2))
    #expect(try await store.owner(of: endpoint) == owned)
    try await store.ownerLeft(endpoint, epoch: Epoch(3))
    let left = EndpointOwner(epoch: Epoch(3), install: nil, instance: nil)
    #expect(try await reopened.owner(of: endpoint) == left)
    await #expect(throws: StoreFault.noSuchDomain(install.description)) {
      try await store.raiseEpoch(of: install, to: Epoch(9), install: install, instance: instance)
    }
  }

  @Test("what was served to the end of a relay is told from what was lost or left before")
  func served() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let endpoint = try #require(try await store.directory().hosts[ann.domain]?.endpoint)
    let id = ID(high: 1, low: 1)
    let served = { try await store.directory().hosts[ann.domain]?.servedIn }
    #expect(try await served() == nil)
    try await store.raiseEpoch(of: endpoint, to: Epoch(3), install: id, instance: id)
    #expect(try await served() == Epoch(3))
    try await store.ownersLost([(endpoint, Epoch(2)), (id, Epoch(3))])
    #expect(try await served() == Epoch(3))
    try await store.ownersLost([(endpoint, Epoch(3))])
    #expect(try await served() == nil)
    #expect(try await store.owner(of: endpoint).instance == id)
    try await store.raiseEpoch(of: endpoint, to: Epoch(4), install: id, instance: id)
    try await store.ownerLeft(endpoint, epoch: Epoch(4))
    #expect(try await served() == nil)
  }

  @Test("a lock that is handed on is never free in between")
  func handedOn() throws {
    let first = try DataLock(directory: temporary.path)
    let copy = dup(first.descriptor)
    let second = try DataLock(directory: temporary.path, inherited: copy)
    second.sign()
    close(dup(first.descriptor))
    #expect(throws: StoreFault.locked(directory: temporary.path, pid: getpid())) {
      try DataLock(directory: temporary.path)
    }
    let text = try String(contentsOfFile: temporary.path + "/relay.lock", encoding: .utf8)
    #expect(text == "\(getpid())\n")
    #expect(throws: StoreFault.self) { try DataLock(directory: temporary.path, inherited: 0) }
    withExtendedLifetime((first, second)) {}
  }

  @Test("one relay at a time holds the folder, and the other hears which process that is")
  func lock() throws {
    do {
      let held = try DataLock(directory: temporary.path)
      _ = withExtendedLifetime(held) {
        #expect(throws: StoreFault.locked(directory: temporary.path, pid: getpid())) {
          try DataLock(directory: temporary.path)
        }
      }
    }
    #expect(throws: Never.self) { try DataLock(directory: temporary.path) }
    #expect(StoreFault.locked(directory: "d", pid: 7).userError.exit == .taken)
  }

  @Test("a folder that cannot be made says why, and what to do")
  func unusable() throws {
    _ = try temporary.open()
    let inFile = temporary.path + "/relay.db/below"
    let fault = #expect(throws: StoreFault.self) { try RelayStore(directory: inFile) }
    let error = try #require(fault?.userError)
    #expect(error.code == "data-unusable" && error.exit == .configuration)
    #expect(error.message.contains("relay.db") && error.fix?.contains("--data") == true)
  }

  @Test("a database that is none is refused, not overwritten")
  func damaged() throws {
    try FileManager.default.createDirectory(
      atPath: temporary.path, withIntermediateDirectories: true)
    let text = Data(String(repeating: "no database ", count: 500).utf8)
    try text.write(to: URL(fileURLWithPath: temporary.path + "/relay.db"))
    let fault = #expect(throws: StoreFault.self) { try temporary.open() }
    #expect(fault?.userError.code == "data-unusable")
    #expect(try Data(contentsOf: URL(fileURLWithPath: temporary.path + "/relay.db")) == text)
  }

  @Test(
    "what belongs to another user is refused with the way to mend it",
    .enabled(if: getuid() == 0))
  func foreignOwner() throws {
    _ = try temporary.open()
    #expect(chown(temporary.path, 1, 1) == 0)
    let fault = #expect(throws: StoreFault.self) { try temporary.open() }
    let error = try #require(fault?.userError)
    #expect(error.message.contains("belongs to the user"))
    #expect(error.fix?.contains("sudo -u ") == true)
  }

  @Test("every fault is an error that `explain` knows")
  func catalogue() {
    let faults: [StoreFault] = [
      .accountNameInvalid("a"), .nameTaken("a"), .noSuchAccount("a"), .noSuchToken("a"),
      .noSuchDomain("a"), .domainInvalid(.empty), .domainReserved("a"), .domainTaken("a"),
      .domainHeldAlready("a"), .domainNotHeld("a"), .domainResting("a", days: 1),
      .domainResting("a", days: nil), .limitReached(domains: 1), .tokenUnknown, .tokenRevoked,
      .accountDisabled("a"), .staleEpoch(Epoch(3)), .domainOutOfScope("a", pattern: "ci-*"),
      .domainIsPersons("a"), .locked(directory: "d", pid: nil),
      .unusable("m", fix: nil),
    ]
    for fault in faults {
      #expect(ErrorCatalogue.entry(fault.userError.code) != nil, "\(fault)")
      #expect(fault.userError.fix?.isEmpty == false, "\(fault)")
    }
  }

  @Test("policies are kept with their owner's epoch, and go with the name")
  func policies() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let host = DomainName.known("shop.\(base)")
    func kept() async throws -> [String]? {
      let entry = try await temporary.open().directory().hosts[host]
      guard let entry else { return nil }
      #expect(try await store.owner(of: entry.endpoint).policies == entry.policies)
      return entry.policies
    }
    let login = try await store.login(ann.token.reveal())
    let endpoint = try await store.claim(host, by: login, base: base).endpoint
    #expect(try await kept() == [])
    let (install, instance) = (ID(high: 1, low: 1), ID(high: 2, low: 2))
    let rules = ["allow 10.0.0.0/8", "request-add X-Env: a; b"]
    try await store.raiseEpoch(
      of: endpoint, to: Epoch(2), install: install, instance: instance, policies: rules)
    #expect(try await kept() == rules)
    // An owner of before changes nothing, and an owner that leaves takes nothing along.
    try await store.keepPolicies(["rate 1/s"], of: endpoint, epoch: Epoch(1))
    try await store.ownerLeft(endpoint, epoch: Epoch(2))
    #expect(try await kept() == rules)
    try await store.keepPolicies(["rate 1/s"], of: endpoint, epoch: Epoch(2))
    #expect(try await kept() == ["rate 1/s"])
    try await store.raiseEpoch(of: endpoint, to: Epoch(3), install: install, instance: instance)
    #expect(try await kept() == [])
    try await store.keepPolicies(rules, of: endpoint, epoch: Epoch(3))

    // Whoever claims the name next, the same account or another, begins without.
    try await store.release(host, account: login.account)
    #expect(try await kept() == nil)
    _ = try await store.claim(host, by: login, base: base)
    #expect(try await kept() == [])
    let bob = try await store.login(try await store.addAccount("bob", base: base).token.reveal())
    try await store.release(host, account: login.account)
    temporary.wait(days: 31)
    _ = try await store.claim(host, by: bob, base: base)
    #expect(try await kept() == [])
  }
}
