import Dispatch
import NIOCore
import SessionLink
import Synchronization
import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// One line of JSON an exchange, on stderr. Lines are gathered for a moment and then written by the
/// writer's thread: a wake-up a line was 9 % of the relay's time, and a reader who is slow
/// or gone must never hold up the event loop. Past 1 MiB that nobody read, lines are dropped and
/// counted.
///
/// Belongs to the relay's event loop.
final class ExchangeLog {
  private static let gather = TimeAmount.milliseconds(20)

  private let output: LogOutput
  private let loop: any EventLoop
  private var lines = LineBuffer()
  private var isGathering = false
  private var dropped: UInt64 = 0

  init(_ output: LogOutput, loop: any EventLoop) {
    self.output = output
    self.loop = loop
  }

  func write(_ record: ExchangeRecord, microseconds: UInt64) {
    guard hasRoom() else { return }
    Self.encode(record, microseconds: microseconds, into: &lines)
    gather()
  }

  /// A connection to a TCP endpoint has ended.
  func write(_ record: ConnectionRecord, _ join: RawJoin, microseconds: UInt64) {
    guard hasRoom() else { return }
    Self.encode(record, join, microseconds: microseconds, into: &lines)
    gather()
  }

  private func hasRoom() -> Bool {
    if output.isFull {
      dropped += 1
      return false
    }
    if dropped > 0 {
      lines.write("{\"msg\":\"lines dropped\",\"count\":\(dropped)}\n")
      dropped = 0
    }
    return true
  }

  private func gather() {
    if isGathering { return }
    isGathering = true
    loop.assumeIsolated().scheduleTask(in: Self.gather) { self.handOver() }
  }

  func handOver() {
    isGathering = false
    output.write(Array(lines.bytes))
    lines.removeAll()
  }

  static func encode(
    _ record: ExchangeRecord, microseconds: UInt64, into lines: inout LineBuffer
  ) {
    let detail = record.detail ?? ""
    let quoted = record.words.count + record.client.utf8.count + detail.utf8.count
    let words = record.words
    lines.write(atMost: 6 * quoted + constants) { line in
      line.put("{\"time\":")
      line.put(record.receivedAt)
      line.put(",\"msg\":\"exchange\",\"id\":\"")
      line.put(record.id)
      line.put("\",\"host\":")
      line.putQuoted(words, record.host)
      line.put(",\"method\":")
      line.putQuoted(words, record.method)
      line.put(",\"path\":")
      line.putQuoted(words, record.path)
      line.put(",\"status\":")
      line.put(UInt64(record.status))
      line.put(",\"us\":")
      line.put(microseconds)
      line.put(",\"bytes_in\":")
      line.put(record.bytesIn)
      line.put(",\"bytes_out\":")
      line.put(record.bytesOut)
      line.put(",\"client\":\"")
      line.putText(record.client)
      line.put("\"")
      if let code = record.code {
        line.put(",\"code\":\"")
        line.putText(code)
        line.put("\",\"detail\":")
        line.putQuoted(Array(detail.utf8), 0..<detail.utf8.count)
      }
      line.put("}\n")
    }
  }

  static func encode(
    _ record: ConnectionRecord, _ join: RawJoin, microseconds: UInt64,
    into lines: inout LineBuffer
  ) {
    let text = record.address.utf8.count + record.client.utf8.count
    lines.write(atMost: 6 * text + constants) { line in
      line.put("{\"time\":")
      line.put(record.receivedAt)
      line.put(",\"msg\":\"connection\",\"kind\":\"tcp\",\"id\":\"")
      line.put(record.id)
      line.put("\",\"address\":\"")
      line.putText(record.address)
      line.put("\",\"us\":")
      line.put(microseconds)
      line.put(",\"bytes_in\":")
      line.put(join.bytesRead)
      line.put(",\"bytes_out\":")
      line.put(join.bytesWritten)
      line.put(",\"client\":\"")
      line.putText(record.client)
      if let code = join.code {
        line.put("\",\"code\":\"")
        line.putText(code)
      }
      line.put("\"}\n")
    }
  }

  /// More than all keys, numbers, the id and a code need.
  private static let constants = 512
}

/// Where the lines go, off the event loop.
final class LogOutput: Sendable {
  private static let backlog = 1 << 20

  private let descriptor: CInt
  private let waiting = Atomic<Int>(0)

  init(descriptor: CInt = 2) { self.descriptor = descriptor }

  var isFull: Bool { waiting.load(ordering: .relaxed) > Self.backlog }

  func write(_ bytes: [UInt8]) {
    waiting.add(bytes.count, ordering: .relaxed)
    WriterThread.submit {
      self.put(bytes)
      self.waiting.subtract(bytes.count, ordering: .relaxed)
    }
  }

  /// Returns when all that was handed over is written.
  func flush() {
    let written = DispatchSemaphore(value: 0)
    WriterThread.submit { written.signal() }
    written.wait()
  }

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
