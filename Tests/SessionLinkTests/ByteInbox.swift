import NIOCore
import NIOPosix
import Synchronization

/// Bytes that arrived for a test, in order, and how their source ended. One waits at a time; a
/// wait that lasts 30 s is a failed test, not a hanging one.
final class ByteInbox: Sendable {
  enum Ending: Sendable, Equatable { case end, reset, lost }

  struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  /// How many bytes the one who waits takes; nil: not yet.
  private typealias Need = @Sendable (borrowing [UInt8], Ending?) throws -> Int?

  private struct State {
    var bytes: [UInt8] = []
    var ending: Ending?
    var need: Need?
    var waiter: CheckedContinuation<[UInt8], any Error>?
  }

  private let state = Mutex(State())

  func add(_ buffer: ByteBuffer) {
    state.withLock { $0.bytes.append(contentsOf: buffer.readableBytesView) }
    look()
  }

  /// The first ending counts.
  func end(_ how: Ending) {
    state.withLock { $0.ending = $0.ending ?? how }
    look()
  }

  /// Nothing has come that nobody has taken.
  var isEmpty: Bool { state.withLock { $0.bytes.isEmpty } }

  /// Everything up to and with `marker`.
  func until(_ marker: String) async throws -> String {
    let marker = Array(marker.utf8)
    return try await take { bytes, ending in
      if let place = bytes.firstRange(of: marker) { return place.upperBound }
      if let ending {
        throw Fault(
          description: "\(ending) before the marker, got: \(String(decoding: bytes, as: UTF8.self))"
        )
      }
      return nil
    }
  }

  func count(_ count: Int) async throws -> String {
    try await take { bytes, ending in
      if bytes.count >= count { return count }
      if let ending { throw Fault(description: "\(ending) after \(bytes.count) bytes") }
      return nil
    }
  }

  /// All that still comes, and how it ends.
  func rest() async throws -> (text: String, ending: Ending) {
    let text = try await take { bytes, ending in ending == nil ? nil : bytes.count }
    return (text, state.withLock { $0.ending ?? .lost })
  }

  private func take(_ need: @escaping Need) async throws -> String {
    let guarding = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: .seconds(30)) {
      self.giveUp()
    }
    defer { guarding.cancel() }
    let bytes = try await withCheckedThrowingContinuation { continuation in
      state.withLock { state in
        state.need = need
        state.waiter = continuation
      }
      look()
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func look() {
    let found = state.withLock {
      state -> (CheckedContinuation<[UInt8], any Error>, Result<[UInt8], any Error>)? in
      guard let need = state.need, let waiter = state.waiter else { return nil }
      do {
        guard let count = try need(state.bytes, state.ending) else { return nil }
        let taken = Array(state.bytes.prefix(count))
        state.bytes.removeFirst(count)
        (state.need, state.waiter) = (nil, nil)
        return (waiter, .success(taken))
      } catch {
        (state.need, state.waiter) = (nil, nil)
        return (waiter, .failure(error))
      }
    }
    found.map { $0.0.resume(with: $0.1) }
  }

  private func giveUp() {
    let (waiter, text) = state.withLock { state in
      defer { (state.need, state.waiter) = (nil, nil) }
      return (state.waiter, String(decoding: state.bytes.prefix(2_000), as: UTF8.self))
    }
    waiter?.resume(throwing: Fault(description: "nothing more within 30 s, got: \(text)"))
  }
}
