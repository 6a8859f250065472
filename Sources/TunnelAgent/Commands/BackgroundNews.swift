import FoundationEssentials
import Glibc
import SessionLink
import TunnelCore

/// What an agent in the background says on its pipe until it is ready, read by who started it.
struct BackgroundNews {
  enum Outcome { case ready, ended, late }

  private struct Event: Decodable {
    let event: String
    let code: String?
    let message: String?
    let fix: String?
    let reason: String?
  }

  private let pipe: Int32
  private var rest: [UInt8] = []
  /// What ended it.
  private(set) var error: UserError?
  /// What it waits for.
  private(set) var reason: String?

  init(_ pipe: Int32) { self.pipe = pipe }

  /// Until it is ready, has ended, or so many milliseconds are over.
  mutating func wait(milliseconds: Int) -> Outcome {
    let end = Moment.now + .milliseconds(milliseconds)
    while true {
      let left = (end - Moment.now).nanoseconds / 1_000_000
      guard left > 0 else { return .late }
      var entry = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, Int32(clamping: left)) > 0 else { continue }
      var piece = [UInt8](repeating: 0, count: 4_096)
      let count = read(pipe, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return .ended }
      rest += piece[..<count]
      if heed() { return .ready }
    }
  }

  /// Takes in the whole lines; true once it is ready.
  private mutating func heed() -> Bool {
    while let feed = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = Data(rest[..<feed])
      rest.removeSubrange(...feed)
      guard let event = try? JSONDecoder().decode(Event.self, from: line) else { continue }
      switch event.event {
      case "ready", "standby": return true
      case "reconnecting": reason = event.reason
      case "error":
        error = UserError(
          code: event.code ?? "internal", message: event.message ?? "", fix: event.fix)
      default: break
      }
    }
    return false
  }
}
