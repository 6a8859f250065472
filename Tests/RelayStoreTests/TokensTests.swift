import Foundation
import Testing
import TunnelCore

@testable import RelayStore

@Suite struct TokensTests {
  let temporary = TemporaryStore()

  @Test("only a hash is kept: no authtoken's text lies in any file")
  func hashed() async throws {
    let store = try temporary.open()
    let made = try await store.addAccount("ann", base: base)
    let second = try await store.addToken(account: "ann", ciPattern: "ci-*")
    _ = try await store.login(second.token.reveal())
    let bytes = try temporary.bytes()
    for token in [made.token, second.token] {
      let text = token.reveal()
      #expect(bytes.range(of: Data(text.utf8)) == nil)
      #expect(bytes.range(of: Data(text.dropFirst(4).prefix(16).utf8)) == nil)
      #expect(bytes.range(of: Data(RelayStore.hash(token).utf8)) != nil)
    }
  }

  @Test("the hash is the SHA-256 that everybody else computes")
  func knownAnswer() throws {
    var generator = SystemRandomNumberGenerator()
    let hash = RelayStore.hash(Authtoken.random(using: &generator))
    #expect(hash.count == 64)
    let token = try Authtoken("tun_0000000000000000000000000000002WqKv0")
    #expect(
      RelayStore.hash(token)
        == "685aa67783f3cfe9784d9cc0ce47aa5e5e0a4afa4e503dfd2be6ae38d6f686c6")
  }

  @Test("a CI token carries its pattern to the login")
  func pattern() async throws {
    let store = try temporary.open()
    _ = try await store.addAccount("ann", base: base)
    let token = try await store.addToken(account: "ann", ciPattern: "ci-*")
    let login = try await store.login(token.token.reveal())
    #expect(login.ciPattern == "ci-*" && login.token == token.id)
    #expect(login.mayServe(.known("ci-7.\(base)"), under: base))
    #expect(!login.mayServe(.known("shop.\(base)"), under: base))
    #expect(try await store.tokens(account: "ann").map(\.ciPattern) == [nil, "ci-*"])
    await #expect(throws: StoreFault.noSuchAccount("bob")) {
      try await store.addToken(account: "bob")
    }
    await #expect(throws: StoreFault.noSuchAccount("bob")) {
      try await store.tokens(account: "bob")
    }
  }

  @Test("a CI token claims names of its pattern for one run, and never a person's")
  func names() async throws {
    let store = try temporary.open()
    _ = try await store.addAccount("ann", base: base)
    let person = try await store.login(
      try await store.addToken(account: "ann").token.reveal())
    let token = try await store.addToken(account: "ann", ciPattern: "ci-*")
    let login = try await store.login(token.token.reveal())
    let (mine, other) = (DomainName.known("ci-1.\(base)"), DomainName.known("ci-2.\(base)"))
    _ = try await store.claim(mine, by: person, base: base)
    await #expect(throws: StoreFault.domainIsPersons(mine.text)) {
      try await store.claim(mine, by: login, base: base)
    }
    let shop = DomainName.known("shop.\(base)")
    await #expect(throws: StoreFault.domainOutOfScope(shop.text, pattern: "ci-*")) {
      try await store.claim(shop, by: login, base: base)
    }
    let claim = try await store.claim(other, by: login, base: base)
    #expect(claim.isNew && claim.isTemporary)
    #expect(try await store.claim(other, by: login, base: base).isTemporary)
    #expect(try await store.temporaryEndpoints().map(\.host) == [other])
    let third = DomainName.known("ci-3.\(base)")
    let run = try await store.claim(third, by: login, base: base)
    #expect(try await !store.claim(third, by: person, base: base).isTemporary)
    try await store.freeTemporary(run.endpoint, epoch: .never)
    #expect(try await store.isHeld(third), "a person has claimed it meanwhile")
    try await store.raiseEpoch(
      of: claim.endpoint, to: Epoch(2), install: claim.endpoint, instance: claim.endpoint)
    try await store.freeTemporary(claim.endpoint, epoch: Epoch(1))
    #expect(try await store.isHeld(other), "somebody newer has it")
    try await store.freeTemporary(claim.endpoint, epoch: Epoch(2))
    #expect(try await !store.isHeld(other))
    let kept = try #require(try await store.directory().hosts[mine]?.endpoint)
    try await store.freeTemporary(kept, epoch: .never)
    #expect(try await store.isHeld(mine))
  }

  @Test("a revoked token is known as revoked, and gone from the list and the snapshot")
  func revoke() async throws {
    let store = try temporary.open()
    let made = try await store.addAccount("ann", base: base)
    let id = try #require(try await store.tokens().first?.id)
    #expect(try await store.directory().liveTokens == [id])
    try await store.revokeToken(id)
    await #expect(throws: StoreFault.tokenRevoked) { try await store.login(made.token.reveal()) }
    #expect(try await store.tokens().isEmpty)
    #expect(try await store.directory().liveTokens.isEmpty)
    await #expect(throws: StoreFault.noSuchToken(id.description)) {
      try await store.revokeToken(id)
    }
  }

  @Test("what is no token, and what no account has, is unknown")
  func unknown() async throws {
    let store = try temporary.open()
    var generator = SystemRandomNumberGenerator()
    for text in ["", "tun_", "' OR 1=1 --", Authtoken.random(using: &generator).reveal()] {
      await #expect(throws: StoreFault.tokenUnknown) { try await store.login(text) }
    }
  }

  @Test("the last use is written down at most once a minute")
  func lastUse() async throws {
    let store = try temporary.open()
    let made = try await store.addAccount("ann", base: base)
    #expect(try await store.tokens().first?.lastUsed == nil)
    let start = temporary.clock.withLock { $0 }
    for (passed, noted) in [(0, 0), (30_000, 0), (29_999, 0), (1, 60_000)] as [(UInt64, UInt64)] {
      temporary.wait(milliseconds: passed)
      _ = try await store.login(made.token.reveal())
      #expect(try await store.tokens().first?.lastUsed == start + noted)
    }
  }

  @Test("an install is written down once, with its latest label")
  func installs() async throws {
    let store = try temporary.open()
    let made = try await store.addAccount("ann", base: base)
    let install = ID(high: 1, low: 2)
    try await store.sawInstall(install, of: made.id, label: "ann@old")
    try await store.sawInstall(install, of: made.id, label: "ann@new")
    #expect(try temporary.bytes().range(of: Data("ann@new".utf8)) != nil)
  }
}
