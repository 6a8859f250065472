import HTTPMessage

/// What a check found wrong. A check is a function of an input's bytes that throws this; the
/// fuzzer's targets (`Fuzz/`) and the replay of their corpus call the same ones.
package struct Broken: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

func demand(_ holds: Bool, _ what: @autoclosure () -> String) throws(Broken) {
  if !holds { throw Broken(what()) }
}

/// A fuzzer's input: one byte of switches, two that say where to cut, then the message.
struct Input {
  let switches: UInt8
  let message: [UInt8]
  private let seed: UInt64

  init(_ bytes: [UInt8]) {
    switches = bytes.first ?? 0
    seed = bytes.dropFirst().prefix(2).reduce(0) { $0 << 8 | UInt64($1) }
    message = Array(bytes.dropFirst(3))
  }

  func has(_ bit: UInt8) -> Bool { switches >> bit & 1 == 1 }

  /// Small limits meet their edges more often.
  var limits: HeadLimits {
    var limits = HeadLimits()
    guard has(7) else { return limits }
    limits.line = 64
    limits.field = 48
    limits.fields = 160
    limits.count = 5
    limits.chunkLine = 16
    limits.trailers = 40
    limits.interim = 2
    return limits
  }

  /// The message in slices, each with memory of its own, so that a look past its end is found.
  var slices: [[UInt8]] {
    var slices: [[UInt8]] = []
    var start = 0
    var state = seed
    let longest = [1, 4, 24, 500][Int(seed & 3)]
    while start < message.count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let end = min(message.count, start + 1 + Int(state >> 33) % longest)
      slices.append(Array(message[start..<end]))
      start = end
    }
    return slices
  }
}

extension [UInt8] {
  init(_ text: StaticString) {
    self = text.withUTF8Buffer { Array($0) }
  }

  subscript(_ range: ByteRange) -> [UInt8] { Array(self[range.range]) }

  /// ASCII letters in lower case.
  var lowered: [UInt8] { map { 0x41...0x5a ~= $0 ? $0 + 0x20 : $0 } }

  /// Without blanks around it.
  var trimmed: [UInt8] {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    return Array(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }

  /// The elements of a list, trimmed and in lower case.
  var elements: [[UInt8]] {
    split(separator: 0x2c).map { Array($0).trimmed.lowered }.filter { !$0.isEmpty }
  }
}
