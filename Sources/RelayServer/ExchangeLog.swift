import Dispatch
import NIOCore
import SessionLink
import Synchronization
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// One line of JSON an exchange, on stderr. Lines are gathered for a moment and then written by a
/// thread of their own: a wake-up a line was 9 % of the relay's time, and a reader who is slow
/// or gone must never hold up the event loop. Past 1 MiB that nobody read, lines are dropped and
/// counted.
///
/// Belongs to the relay's event loop.
final class ExchangeLog {
  private static let gather = TimeAmount.milliseconds(20)

  private let output: LogOutput
  private let loop: any EventLoop
  private var line = LogLine()
  private var isGathering = false
  private var dropped: UInt64 = 0

  init(_ output: LogOutput, loop: any EventLoop) {
    self.output = output
    self.loop = loop
  }

  func write(_ record: ExchangeRecord, took: Duration) {
    if output.isFull {
      dropped += 1
      return
    }
    if dropped > 0 {
      line.begin()
      line.add("msg", "lines dropped")
      line.add("count", dropped)
      line.end()
      dropped = 0
    }
    Self.encode(record, took: took, into: &line)
    if isGathering { return }
    isGathering = true
    loop.assumeIsolated().scheduleTask(in: Self.gather) { self.handOver() }
  }

  func handOver() {
    isGathering = false
    output.write(line.bytes)
    line.removeAll()
  }

  static func encode(_ record: ExchangeRecord, took: Duration, into line: inout LogLine) {
    line.begin()
    line.add("time", record.receivedAt)
    line.add("msg", "exchange")
    line.add("id", record.id.description)
    line.add("host", record.host)
    line.add("method", record.method)
    line.add("path", record.path)
    line.add("status", UInt64(record.status))
    line.add("us", UInt64(max(0, took.nanoseconds / 1_000)))
    line.add("bytes_in", record.bytesIn)
    line.add("bytes_out", record.bytesOut)
    line.add("client", record.client)
    if let code = record.code { line.add("code", code) }
    if let detail = record.detail { line.add("detail", detail) }
    line.end()
  }
}

/// Where the lines go, off the event loop.
final class LogOutput: Sendable {
  private static let backlog = 1 << 20

  private let descriptor: CInt
  private let waiting = Atomic<Int>(0)
  private let queue = DispatchQueue(label: "exchange-log")

  init(descriptor: CInt = 2) { self.descriptor = descriptor }

  var isFull: Bool { waiting.load(ordering: .relaxed) > Self.backlog }

  func write(_ bytes: [UInt8]) {
    waiting.add(bytes.count, ordering: .relaxed)
    queue.async {
      self.put(bytes)
      self.waiting.subtract(bytes.count, ordering: .relaxed)
    }
  }

  /// Returns when all that was handed over is written.
  func flush() { queue.sync {} }

  private func put(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
