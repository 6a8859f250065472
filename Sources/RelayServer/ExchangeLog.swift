import Dispatch
import Synchronization
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// One line of JSON an exchange, on stderr. Lines are gathered and written by a thread of their
/// own, so that a reader who is slow, or gone, never holds up the event loop; past 1 MiB of
/// unread lines new ones are dropped and counted.
final class ExchangeLog: Sendable {
  private static let backlog = 1 << 20

  private struct State {
    var lines: [UInt8] = []
    var dropped = 0
    var isWriting = false
  }

  private let descriptor: CInt
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "exchange-log")

  init(descriptor: CInt = 2) { self.descriptor = descriptor }

  func write(_ record: ExchangeRecord, took: Duration) {
    let line = Self.line(record, took: took)
    let mustStart = state.withLock { state in
      if state.lines.count > Self.backlog {
        state.dropped += 1
      } else {
        state.lines.append(contentsOf: line.utf8)
      }
      defer { state.isWriting = true }
      return !state.isWriting
    }
    if mustStart { queue.async { self.drain() } }
  }

  /// Waits until all that was logged so far is written.
  func flush() { queue.sync { drain() } }

  private func drain() {
    while true {
      let lines = state.withLock { state in
        if state.dropped > 0 {
          state.lines.append(
            contentsOf: "{\"msg\":\"lines dropped\",\"count\":\(state.dropped)}\n".utf8)
          state.dropped = 0
        }
        defer { state.lines.removeAll() }
        state.isWriting = !state.lines.isEmpty
        return state.lines
      }
      if lines.isEmpty { return }
      lines.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = Glibc.write(
            descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
          if count < 0, errno == EINTR { continue }
          if count <= 0 { return }
          rest = rest.dropFirst(count)
        }
      }
    }
  }

  static func line(_ record: ExchangeRecord, took: Duration) -> String {
    let (seconds, attoseconds) = took.components
    var json = JSONLine()
    json.add("time", record.receivedAt)
    json.add("msg", "exchange")
    json.add("id", record.id.description)
    json.add("host", record.host)
    json.add("method", record.method)
    json.add("path", record.path)
    json.add("status", record.status)
    json.add("us", seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    json.add("bytes_in", record.bytesIn)
    json.add("bytes_out", record.bytesOut)
    json.add("client", record.client)
    if let code = record.code { json.add("code", code) }
    if let detail = record.detail { json.add("detail", detail) }
    return json.finished + "\n"
  }
}
