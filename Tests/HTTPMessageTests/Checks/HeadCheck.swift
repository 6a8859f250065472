import HTTPMessage

/// The head scanners say the same however the bytes are cut, wait for no more than their limits
/// allow, and what they take is what the plainest reading of it says.
package enum HeadCheck {
  /// Switches: bit 0 a response, bit 7 small limits.
  package static func run(_ bytes: [UInt8]) throws {
    let input = Input(bytes)
    let isResponse = input.has(0)
    let limits = input.limits
    let atOnce = try scan([input.message], limits, isResponse)
    let inSlices = try scan(input.slices, limits, isResponse)
    try demand(atOnce == inSlices, "cut: \(inSlices); at once: \(atOnce)")
    try ReadingCheck.run(input)
  }

  enum Verdict: Equatable {
    case more
    case fault(MessageFault)
    case request(RequestSeen)
    case response(ResponseSeen)
  }

  private static func scan(
    _ slices: [[UInt8]], _ limits: HeadLimits, _ isResponse: Bool
  ) throws(Broken) -> Verdict {
    var request = RequestScanner(limits: limits)
    var response = ResponseScanner(limits: limits)
    var seen: [UInt8] = []
    for slice in slices {
      seen += slice
      // In memory of exactly its size.
      let exact = Array(seen)
      do throws(MessageFault) {
        let whole = isResponse ? try response.scan(exact.span) : try request.scan(exact.span)
        guard whole else {
          continue
        }
      } catch {
        return .fault(error)
      }
      if isResponse {
        try hold(response.head, exact)
        return .response(ResponseSeen(response.head))
      }
      try hold(request.head, exact)
      return .request(RequestSeen(request.head))
    }
    // CRLF before the request line, CR behind either line, CRLF at the end.
    let most = limits.line + limits.fields + 8
    try demand(seen.count <= most, "it waits for more with \(seen.count) bytes")
    return .more
  }

  private static func hold(_ head: RequestHead, _ source: [UInt8]) throws(Broken) {
    try demand(head.length <= source.count, "the head is longer than what came")
    let plain = try PlainHead(Array(source.prefix(head.length)), leading: head.leading)
    try plain.hold(head.fields, source)
    let words = plain.start.split(separator: 0x20, omittingEmptySubsequences: false)
    try demand(words.count == 3, "the request line has \(words.count) words")
    try demand(words[0] == source[head.methodRange][...], "another method was read")
    try demand(words[1] == source[head.target][...], "another target was read")
    try demand(
      Array(words[2]) == (head.minorVersion == 1 ? [UInt8]("HTTP/1.1") : [UInt8]("HTTP/1.0")),
      "another version was read")
    try demand(plain.values("host") == (head.host.map { [source[$0]] } ?? []), "another host")
    try demand(try plain.framing == head.framing, "another framing was read")
    let closes = plain.elements("connection").contains([UInt8]("close"))
    try demand(head.closes == (closes || head.minorVersion == 0), "closes")
  }

  private static func hold(_ head: ResponseHead, _ source: [UInt8]) throws(Broken) {
    try demand(head.length <= source.count, "the head is longer than what came")
    let plain = try PlainHead(Array(source.prefix(head.length)), leading: 0)
    try plain.hold(head.fields, source)
    let line = "HTTP/1.\(head.minorVersion) \(head.status)"
    try demand(plain.start.starts(with: Array(line.utf8)), "another status line was read")
    let reason = plain.start.dropFirst(line.utf8.count + 1)
    try demand(Array(reason) == source[head.reason], "another reason was read")
    try demand(try plain.framing == head.announced, "another framing was read")
  }
}

/// Everything that a scanner says of a request.
struct RequestSeen: Equatable {
  let ranges: [ByteRange]
  let method: Method
  let form: TargetForm
  let host: ByteRange?
  let numbers: [Int]
  let fields: [Field]
  let framing: BodyFraming
  let facts: [Bool]

  init(_ head: RequestHead) {
    ranges = [head.methodRange, head.target]
    method = head.method
    form = head.form
    host = head.host
    numbers = [head.length, head.leading, head.minorVersion]
    fields = head.fields
    framing = head.framing
    facts = [head.closes, head.upgrade, head.expectsContinue, head.takesTrailers]
  }
}

/// Everything that a scanner says of a response.
struct ResponseSeen: Equatable {
  let numbers: [Int]
  let reason: ByteRange
  let fields: [Field]
  let announced: BodyFraming
  let facts: [Bool]

  init(_ head: ResponseHead) {
    numbers = [head.length, head.status, head.minorVersion]
    reason = head.reason
    fields = head.fields
    announced = head.announced
    facts = [head.closes, head.upgrade]
  }
}
