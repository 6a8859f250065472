import Dispatch
import NIOCore
import SessionLink
import TunnelCore

/// The slow hashes of all endpoints, one at a time on a thread of their own: guesses cost the
/// guesser time, and the relay's event loop nothing. Whoever is known by now never comes here.
/// Belongs to the relay's event loop.
final class PasswordChecks {
  /// That wait, in all and of one client address (of IPv6 a /64).
  static let most = 32
  static let mostOfOne = 4

  typealias Digest = @Sendable (BasicCredentials, _ salt: [UInt8]) throws -> [UInt8]

  private let loop: any EventLoop
  private let make: Digest
  private let queue = DispatchQueue(label: "passwords")
  private(set) var waiting = 0
  private var ofPlace: [UInt128: Int] = [:]

  init(_ loop: any EventLoop, make: @escaping Digest = PasswordHash.digest) {
    self.loop = loop
    self.make = make
  }

  /// Calls `done` later, with nil if it could not be made. Throws `overloaded`.
  func digest(
    _ credentials: BasicCredentials, salt: [UInt8], for place: UInt128,
    done: @escaping ([UInt8]?) -> Void
  ) throws(Refusal) {
    let count = ofPlace[place] ?? 0
    guard waiting < Self.most, count < Self.mostOfOne else {
      throw Refusal(.overloaded, "Too many passwords are being looked at; try again.")
    }
    waiting += 1
    ofPlace[place] = count + 1
    let made = loop.makePromise(of: [UInt8].self)
    queue.async { [make] in made.completeWith(Result { try make(credentials, salt) }) }
    made.futureResult.assumeIsolated().whenComplete { result in
      self.waiting -= 1
      let left = (self.ofPlace[place] ?? 1) - 1
      self.ofPlace[place] = left > 0 ? left : nil
      done(try? result.get())
    }
  }
}
