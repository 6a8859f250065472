import Glibc

/// `verdicts tunnel` and `verdicts nio`: what the project's reader, and NIOHTTP1's, make of each
/// case on standard input, a JSON line each. Tests/Differential compares them with others.
///
/// A case is one letter (`q` requests, `r` responses to GET, `h` responses to HEAD), `e` if the
/// connection ends behind it or `-`, its length in four bytes, big-endian, and its bytes.
@main
enum Verdicts {
  static func main() {
    let words = CommandLine.arguments
    guard words.count == 2, ["tunnel", "nio"].contains(words[1]) else {
      print("usage: verdicts tunnel|nio")
      exit(2)
    }
    // A line is one write when the buffer is full: whoever asks sends all cases at once.
    while let one = Case.read() {
      print(words[1] == "nio" ? NIOVerdict.line(one) : TunnelVerdict.line(one))
    }
  }
}

struct Case {
  enum Kind { case requests, responses, responsesToHead }

  let kind: Kind
  let ends: Bool
  let bytes: [UInt8]

  static func read() -> Case? {
    guard let head = take(6) else { return nil }
    let length = head[2...].reduce(0) { $0 << 8 | Int($1) }
    guard let bytes = take(length) else { return nil }
    let kind: Kind =
      switch head[0] {
      case 0x71: .requests
      case 0x68: .responsesToHead
      default: .responses
      }
    return Case(kind: kind, ends: head[1] == 0x65, bytes: bytes)
  }

  private static func take(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var got = 0
    while got < count {
      let more = bytes.withUnsafeMutableBytes {
        Glibc.read(0, UnsafeMutableRawBufferPointer(rebasing: $0[got...]).baseAddress, count - got)
      }
      if more <= 0 { return nil }
      got += more
    }
    return bytes
  }
}

/// One message as a JSON object; all bytes are in hexadecimal.
struct MessageLine {
  var start = ""
  var fields: [(name: [UInt8], value: [UInt8])] = []
  var facts = ""

  var json: String {
    let pairs = fields.map { "[\"\(hex($0.name))\",\"\(hex($0.value))\"]" }
    return "{\(start),\"fields\":[\(pairs.joined(separator: ","))],\(facts)}"
  }
}

func verdict(_ messages: [MessageLine], fault: String?) -> String {
  let fault = fault.map { "\"\($0.filter { $0 != "\"" && $0 != "\\" && $0 != "\n" })\"" } ?? "null"
  return "{\"messages\":[\(messages.map(\.json).joined(separator: ","))],\"fault\":\(fault)}"
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
