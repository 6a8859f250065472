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

  private let loop: any EventLoop
  private let queue = DispatchQueue(label: "passwords")
  private var inAll = 0
  private var ofPlace: [UInt128: Int] = [:]

  init(_ loop: any EventLoop) { self.loop = loop }

  /// Calls `done` later, with nil if there was no memory for it. Throws `overloaded`.
  func digest(
    _ credentials: BasicCredentials, salt: [UInt8], for place: UInt128,
    done: @escaping ([UInt8]?) -> Void
  ) throws(Refusal) {
    let count = ofPlace[place] ?? 0
    guard inAll < Self.most, count < Self.mostOfOne else {
      throw Refusal(.overloaded, "Too many passwords are being looked at; try again.")
    }
    inAll += 1
    ofPlace[place] = count + 1
    let made = loop.makePromise(of: [UInt8].self)
    queue.async {
      made.completeWith(Result { try PasswordHash.digest(credentials, salt: salt) })
    }
    made.futureResult.assumeIsolated().whenComplete { result in
      self.inAll -= 1
      let left = (self.ofPlace[place] ?? 1) - 1
      self.ofPlace[place] = left > 0 ? left : nil
      done(try? result.get())
    }
  }
}
