import Foundation
import Testing
import TunnelCore

@testable import RelayStore

@Suite struct AccountsTests {
  let temporary = TemporaryStore()

  @Test("an account comes with an authtoken that logs in and a readable subdomain")
  func add() async throws {
    let store = try temporary.open()
    let made = try await store.addAccount("ann", base: base)
    #expect(made.domain.label(under: base) != nil)
    let login = try await store.login(made.token.reveal())
    #expect(login.account == made.id)
    #expect(login.accountName == "ann")
    #expect(login.ciPattern == nil)
    #expect(try await store.firstDomain(account: made.id) == made.domain)
    let listed = try await store.accounts()
    #expect(listed.map(\.name) == ["ann"])
    #expect(listed.first?.domains == 1 && listed.first?.tokens == 1)
  }

  @Test("what was made is there again after the store was opened anew")
  func persists() async throws {
    let made = try await temporary.open().addAccount("ann", base: base)
    let store = try temporary.open()
    #expect(try await store.firstDomain(account: made.id) == made.domain)
    #expect(try await store.login(made.token.reveal()).accountName == "ann")
  }

  @Test("a name is held once, and has to be one")
  func names() async throws {
    let store = try temporary.open()
    _ = try await store.addAccount("ann", base: base)
    await #expect(throws: StoreFault.nameTaken("ann")) {
      try await store.addAccount("ann", base: base)
    }
    for bad in ["", "Ann", "-ann", "a b", "ann\n", "ä", String(repeating: "a", count: 64)] {
      await #expect(throws: StoreFault.accountNameInvalid(bad)) {
        try await store.addAccount(bad, base: base)
      }
    }
    #expect(try await store.accounts().count == 1)
  }

  @Test("a disabled account cannot log in, and can again once it is enabled")
  func disable() async throws {
    let store = try temporary.open()
    let made = try await store.addAccount("ann", base: base)
    try await store.disableAccount("ann")
    await #expect(throws: StoreFault.accountDisabled("ann")) {
      try await store.login(made.token.reveal())
    }
    #expect(try await store.directory().disabledAccounts == [made.id])
    #expect(try await store.accounts().first?.isDisabled == true)
    try await store.enableAccount("ann")
    #expect(try await store.login(made.token.reveal()).account == made.id)
    await #expect(throws: StoreFault.noSuchAccount("bob")) {
      try await store.disableAccount("bob")
    }
  }

  @Test("a removed account takes its authtokens along, and its names rest")
  func remove() async throws {
    let store = try temporary.open()
    let ann = try await store.addAccount("ann", base: base)
    try await store.addDomain(.known("mine.example"), account: "ann")
    try await store.removeAccount("ann")
    await #expect(throws: StoreFault.tokenUnknown) { try await store.login(ann.token.reveal()) }
    let bob = try await store.addAccount("bob", base: base)
    await #expect(throws: StoreFault.domainResting("mine.example", days: 30)) {
      try await store.addDomain(.known("mine.example"), account: "bob")
    }
    temporary.wait(days: 400)
    await #expect(throws: StoreFault.domainResting(ann.domain.text, days: nil)) {
      try await store.claim(ann.domain, account: bob.id, base: base)
    }
    await #expect(throws: StoreFault.noSuchAccount("ann")) {
      try await store.removeAccount("ann")
    }
    let gone = StoreFault.noSuchAccount(ann.id.description)
    await #expect(throws: gone) {
      try await store.claim(.known("shop.\(base)"), account: ann.id, base: base)
    }
    await #expect(throws: gone) {
      try await store.sawInstall(ID(high: 1, low: 1), of: ann.id, label: "ann@macbook")
    }
  }

  @Test("fifty accounts made from two handles at once are all there")
  func concurrent() async throws {
    let stores = [try temporary.open(), try temporary.open()]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask { _ = try await stores[number % 2].addAccount("a\(number)", base: base) }
      }
      try await group.waitForAll()
    }
    #expect(try await stores[0].accounts().count == 50)
    #expect(try await Set(stores[1].domains().map(\.host)).count == 50)
  }

  @Test("the account of a first run is made once, and its token file works")
  func dev() async throws {
    let store = try temporary.open()
    let localhost = DomainName.known("localhost")
    let first = try await store.ensureDevAccount(base: localhost)
    #expect(first.domain.label(under: localhost) != nil)
    let token = try String(contentsOfFile: first.tokenFile, encoding: .utf8)
    #expect(try temporary.mode(of: "/dev.token") == 0o600)
    #expect(try await store.ensureDevAccount(base: localhost) == first)
    #expect(try String(contentsOfFile: first.tokenFile, encoding: .utf8) == token)
    #expect(try await store.login(token).accountName == "dev")
    try FileManager.default.removeItem(atPath: first.tokenFile)
    #expect(try await store.ensureDevAccount(base: localhost) == first)
    let second = try String(contentsOfFile: first.tokenFile, encoding: .utf8)
    #expect(second != token)
    #expect(try await store.login(second).accountName == "dev")
  }
}
