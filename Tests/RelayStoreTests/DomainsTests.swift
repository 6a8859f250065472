import Testing
import TunnelCore

@testable import RelayStore

@Suite struct DomainsTests {
  let temporary = TemporaryStore()

  static func below(_ label: String) -> DomainName { .known("\(label).\(base)") }

  @Test("a free subdomain is claimed on first use, and then it is held")
  func claim() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let bob = try await store.addAccount("bob", base: base)
    let first = try await store.claim(Self.below("shop"), account: ann.id, base: base)
    #expect(first.isNew)
    let again = try await store.claim(Self.below("shop"), account: ann.id, base: base)
    #expect(again == Claim(endpoint: first.endpoint, isNew: false))
    await #expect(throws: StoreFault.domainTaken("shop.\(base)")) {
      try await store.claim(Self.below("shop"), account: bob.id, base: base)
    }
    #expect(try await store.firstDomain(account: ann.id) == ann.domain)
  }

  @Test("what is no free subdomain cannot be claimed, and each has its reason")
  func refusedClaims() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let cases: [(DomainName, StoreFault)] = [
      (.known("mine.example"), .domainNotHeld("mine.example")),
      (.known("a.b.\(base)"), .domainNotHeld("a.b.\(base)")),
      (base, .domainReserved(base.text)),
      (Self.below("www"), .domainReserved("www.\(base)")),
      (Self.below("xn--abc"), .domainReserved("xn--abc.\(base)")),
      (Self.below("ab"), .domainInvalid(.tooShort("ab", limit: 3))),
    ]
    for (host, fault) in cases {
      await #expect(throws: fault) {
        try await store.claim(host, account: ann.id, base: base)
      }
    }
  }

  @Test("a custom domain is held once the operator gave it, by one account only")
  func custom() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let bob = try await store.addAccount("bob", base: base)
    let mine = DomainName.known("mine.example")
    try await store.addDomain(mine, account: "ann")
    let claim = try await store.claim(mine, account: ann.id, base: base)
    #expect(!claim.isNew)
    await #expect(throws: StoreFault.domainTaken("mine.example")) {
      try await store.claim(mine, account: bob.id, base: base)
    }
    await #expect(throws: StoreFault.domainTaken("mine.example")) {
      try await store.addDomain(mine, account: "bob")
    }
    await #expect(throws: StoreFault.domainHeldAlready("mine.example")) {
      try await store.addDomain(mine, account: "ann")
    }
    await #expect(throws: StoreFault.noSuchAccount("eve")) {
      try await store.addDomain(.known("eve.example"), account: "eve")
    }
    #expect(try await store.domains(account: "ann").map(\.host) == [ann.domain, mine])
    #expect(try await store.domains().count == 3)
    let entry = try await store.directory().hosts[mine]
    #expect(entry == DirectorySnapshot.Entry(endpoint: claim.endpoint, account: ann.id))
    #expect(entry?.servedIn == nil)
  }

  @Test("the relay's own name and its reserved labels are given to nobody")
  func reserved() async throws {
    let store = try temporary.open()
    try await store.settleBase(base)
    _ = try await store.addAccount("ann", base: base)
    for host in [base, Self.below("admin"), .known("localhost")] {
      await #expect(throws: StoreFault.domainReserved(host.text)) {
        try await store.addDomain(host, account: "ann")
      }
    }
  }

  @Test("a released name rests for 30 days for everybody but who held it")
  func rest() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let bob = try await store.addAccount("bob", base: base)
    let shop = Self.below("shop")
    _ = try await store.claim(shop, account: ann.id, base: base)
    await #expect(throws: StoreFault.noSuchDomain(shop.text)) {
      try await store.release(shop, account: bob.id)
    }
    try await store.release(shop, account: ann.id)
    temporary.wait(days: 29)
    await #expect(throws: StoreFault.domainResting(shop.text, days: 1)) {
      try await store.claim(shop, account: bob.id, base: base)
    }
    #expect(try await store.claim(shop, account: ann.id, base: base).isNew)
    try await store.release(shop, account: ann.id)
    temporary.wait(milliseconds: 30 * 86_400_000 - 1)
    await #expect(throws: StoreFault.domainResting(shop.text, days: 1)) {
      try await store.claim(shop, account: bob.id, base: base)
    }
    temporary.wait(milliseconds: 1)
    #expect(try await store.claim(shop, account: bob.id, base: base).isNew)
  }

  @Test("an account's first name is never another's, and is its first one again")
  func firstName() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    let bob = try await store.addAccount("bob", base: base)
    _ = try await store.claim(Self.below("aaa"), account: ann.id, base: base)
    try await store.removeDomain(ann.domain)
    temporary.wait(days: 4_000)
    await #expect(throws: StoreFault.domainResting(ann.domain.text, days: nil)) {
      try await store.claim(ann.domain, account: bob.id, base: base)
    }
    #expect(try await store.firstDomain(account: ann.id) == Self.below("aaa"))
    _ = try await store.claim(ann.domain, account: ann.id, base: base)
    #expect(try await store.firstDomain(account: ann.id) == ann.domain)
  }

  @Test("an account holds at most a hundred names")
  func limit() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    for number in 1..<RelayStore.domainLimit {
      _ = try await store.claim(Self.below("n-\(number)"), account: ann.id, base: base)
    }
    await #expect(throws: StoreFault.limitReached(domains: 100)) {
      try await store.claim(Self.below("one-more"), account: ann.id, base: base)
    }
    try await store.release(Self.below("n-1"), account: ann.id)
    _ = try await store.claim(Self.below("one-more"), account: ann.id, base: base)
  }

  @Test("fifty agents that claim one name at once make one holder")
  func concurrentClaims() async throws {
    let stores = [try temporary.open(), try temporary.open()]
    let ann = try await stores[0].addAccount("ann", base: base)
    let bob = try await stores[0].addAccount("bob", base: base)
    let new = await withTaskGroup(of: Bool.self) { group in
      for number in 0..<50 {
        group.addTask {
          let account = number % 3 == 0 ? ann.id : bob.id
          let claim = try? await stores[number % 2].claim(
            Self.below("shop"), account: account, base: base)
          return claim?.isNew == true
        }
      }
      return await group.reduce(into: 0) { count, isNew in count += isNew ? 1 : 0 }
    }
    #expect(new == 1)
  }

  @Test("a base that was only assumed is renamed by the first serve, a settled one stays")
  func baseDomain() async throws {
    let store = try temporary.open()
    let localhost = DomainName.known("localhost")
    #expect(try await store.base() == nil)
    #expect(try await store.assumeBase(localhost).name == localhost)
    let ann = try await store.addAccount("ann", base: localhost)
    let label = try #require(ann.domain.label(under: localhost))
    try await store.settleBase(base)
    #expect(try await store.firstDomain(account: ann.id) == Self.below(label))
    #expect(try await store.assumeBase(localhost) == BaseDomain(name: base, isSettled: true))
    try await store.settleBase(.known("other.example"))
    #expect(try await store.firstDomain(account: ann.id) == Self.below(label))
  }
}
