import NIOCore
import NIOPosix
import SessionLink
import Synchronization
import Testing
import TunnelCore

@testable import RelayServer

/// What is found out about passwords, with a hash that costs nothing and is made when a test says
/// so: the credentials themselves, as long as a digest.
@Suite("known passwords")
struct KnownPasswordsTests {
  private static let salt = [UInt8](repeating: 1, count: PasswordHash.saltLength)

  private final class Hashes: Sendable { let made = Atomic<Int>(0) }

  private static func digest(_ credentials: BasicCredentials) -> [UInt8] {
    Array((credentials.bytes + Array(repeating: 0, count: 32)).prefix(32))
  }

  private func field(_ text: String) -> [String] { ["Basic \(Base64.encode(text.utf8))"] }

  private func known(_ texts: String...) throws -> KnownPasswords {
    KnownPasswords(
      try texts.map { text in
        let typed = try BasicCredentials(typed: text)
        return try #require(PasswordHash(salt: Self.salt, digest: Self.digest(typed)))
      })
  }

  /// On an event loop, for that is where all of it belongs.
  private func onLoop(
    counting hashes: Hashes = Hashes(),
    _ body: @escaping @Sendable (any EventLoop, PasswordChecks) throws -> EventLoopFuture<Void>
  ) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    try await loop.flatSubmit {
      let checks = PasswordChecks(loop) { credentials, _ in
        hashes.made.add(1, ordering: .relaxed)
        return Self.digest(credentials)
      }
      do { return try body(loop, checks) } catch { return loop.makeFailedFuture(error) }
    }.get()
  }

  @Test("the right one is known after one look, and so is a wrong one")
  func one() async throws {
    let hashes = Hashes()
    let (ann, eve, nobody) = (field("ann:a"), field("eve:e"), field("bob:x"))
    try await onLoop(counting: hashes) { loop, checks in
      let known = try self.known("ann:a", "bob:b")
      let done = loop.makePromise(of: Void.self)
      var left = 3
      for said in [ann, eve, nobody] {
        let proof = try #require(try known.admit(said, from: 1))
        try known.check(proof, checks) { isKnown in
          #expect(isKnown)
          left -= 1
          guard left == 0 else { return }
          #expect(known.word(on: ann) == .letIn)
          for wrong in [eve, nobody] { #expect(known.word(on: wrong) == .refused) }
          done.succeed()
        }
      }
      return done.futureResult
    }
    #expect(hashes.made.load(ordering: .relaxed) == 3)
  }

  @Test("who says the same at the same time waits for the same hash")
  func together() async throws {
    let hashes = Hashes()
    let said = field("ann:a")
    try await onLoop(counting: hashes) { loop, checks in
      let known = try self.known("ann:a")
      let done = loop.makePromise(of: Void.self)
      var left = 500
      for _ in 0..<left {
        try known.check(try #require(try known.admit(said, from: 1)), checks) { _ in
          left -= 1
          if left == 0 { done.succeed() }
        }
      }
      return done.futureResult
    }
    #expect(hashes.made.load(ordering: .relaxed) == 1)
  }

  @Test("of one address 4 may wait, 32 in all, and there is room again once they are done")
  func crowd() async throws {
    try await onLoop { loop, checks in
      let known = try self.known("ann:a")
      let done = loop.makePromise(of: Void.self)
      var number = 0
      func guess(from place: UInt128) throws(Refusal) {
        number += 1
        guard let proof = try known.admit(self.field("ann:guess\(number)"), from: place) else {
          return
        }
        try known.check(proof, checks) { _ in
          guard checks.waiting == 0, number == 34 else { return }
          #expect(throws: Never.self) { try guess(from: 0) }
          done.succeed()
        }
      }
      for place in 0..<UInt128(8) {
        for _ in 0..<4 { try guess(from: place) }
        if place == 0 {
          let refusal = #expect(throws: Refusal.self) { try guess(from: 0) }
          #expect(refusal?.code == .overloaded)
        }
      }
      #expect(checks.waiting == PasswordChecks.most)
      #expect(throws: Refusal.self) { try guess(from: 99) }
      return done.futureResult
    }
  }

  @Test("64 wrong ones are remembered, the oldest are forgotten, the right one never")
  func bounded() async throws {
    try await onLoop { loop, checks in
      let known = try self.known("ann:a")
      let done = loop.makePromise(of: Void.self)
      func guess(_ number: Int) throws {
        let said = number == 0 ? "ann:a" : "ann:guess\(number)"
        try known.check(try #require(try known.admit(self.field(said), from: 1)), checks) { _ in
          if number < 3 * KnownPasswords.mostWrong {
            #expect(throws: Never.self) { try guess(number + 1) }
          } else {
            #expect(known.remembered == KnownPasswords.mostWrong + 1)
            #expect(known.word(on: self.field("ann:a")) == .letIn)
            #expect(known.word(on: self.field("ann:guess1")) == .unknown)
            done.succeed()
          }
        }
      }
      try guess(0)
      return done.futureResult
    }
  }

  @Test("a hash that cannot be made is no answer")
  func failed() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let said = field("ann:a")
    try await loop.flatSubmit {
      let checks = PasswordChecks(loop) { _, _ in throw CancellationError() }
      let done = loop.makePromise(of: Void.self)
      do {
        let known = try self.known("ann:a")
        try known.check(try #require(try known.admit(said, from: 1)), checks) { isKnown in
          #expect(!isKnown && known.remembered == 0)
          done.succeed()
        }
      } catch { done.fail(error) }
      return done.futureResult
    }.get()
  }

  @Test("the slow hash is PBKDF2 with HMAC-SHA-256 and 100,000 rounds")
  func vector() throws {
    // Python: hashlib.pbkdf2_hmac("sha256", b"ann:secret", bytes([1] * 16), 100_000)
    let digest = try PasswordHash.digest(try BasicCredentials(typed: "ann:secret"), salt: Self.salt)
    let hex = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(hex == "7d01835e68e5904379676605fb0361230bd5d1f43773a8c56984b8f3c116bdd3")
  }
}

extension KnownPasswords {
  fileprivate enum Word { case letIn, refused, unknown }

  fileprivate func word(on said: [String]) -> Word {
    do throws(Refusal) {
      return try admit(said, from: 1) == nil ? .letIn : .unknown
    } catch {
      #expect(error.code == .policyBasicAuth)
      return .refused
    }
  }
}
