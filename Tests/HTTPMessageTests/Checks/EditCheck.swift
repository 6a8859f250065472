import HTTPMessage

/// An edited head is, byte for byte, what its rules say; it fits into its bound, and it scans to
/// the same message.
package enum EditCheck {
  /// Switches: bit 0 a response, bit 1 `https`, bit 2 the peer's protocol is kept, bit 3 a peer
  /// over IPv6, bit 4 close, bit 5 policies' edits, bit 7 small limits.
  package static func run(_ bytes: [UInt8]) throws {
    let input = Input(bytes)
    let source = input.message
    let edits = input.has(5) ? PlainEdits() : nil
    if input.has(0) {
      var scanner = ResponseScanner(limits: input.limits)
      guard (try? scanner.scan(source.span)) == true else { return }
      try check(scanner.head, source, close: input.has(4), edits)
    } else {
      var scanner = RequestScanner(limits: input.limits)
      guard (try? scanner.scan(source.span)) == true else { return }
      let forwarded = Forwarded(
        client: input.has(3) ? [UInt8]("2001:db8::1") : [UInt8]("192.0.2.1"),
        proto: input.has(1) ? [UInt8]("https") : [UInt8]("http"), keepProto: input.has(2))
      try check(scanner.head, source, forwarded, edits)
    }
  }

  /// What an edit adds may take a head over the limits that it came under.
  static var wide: HeadLimits {
    var limits = HeadLimits()
    limits.line += 1
    limits.field = 1 << 20
    limits.fields = 1 << 20
    limits.count += 6
    return limits
  }

  private static func written(
    _ bound: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int
  ) throws(Broken) -> [UInt8] {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bound, alignment: 1)
    defer { memory.deallocate() }
    let length = write(memory)
    try demand(length <= bound, "\(length) bytes were written, \(bound) were asked for")
    return Array(memory.prefix(length))
  }

  // MARK: Requests

  private static func check(
    _ head: RequestHead, _ source: [UInt8], _ forwarded: Forwarded, _ edits: PlainEdits?
  ) throws(Broken) {
    let made = edits?.made(forRequest: true)
    let output = try written(RequestEdit.bound(head, source.span, forwarded, made)) {
      RequestEdit.write(head, source.span, forwarded, made, into: $0)
    }
    let plain = try PlainHead(Array(source.prefix(head.length)), leading: head.leading)
    let wanted = RequestWanted(head, plain, source, forwarded, edits)
    try demand(output == wanted.bytes, "\(text(output)) is not \(text(wanted.bytes))")
    var again = RequestScanner(limits: wide)
    do {
      guard try again.scan(output.span) else { throw Broken("the edited head has no end") }
    } catch let fault as MessageFault {
      throw Broken("the edited head is \(fault): \(text(output))")
    } catch let broken as Broken {
      throw broken
    } catch {
      throw Broken("\(error)")
    }
    let now = again.head
    try demand(now.length == output.count, "the edited head ends early")
    try demand(
      now.method == head.method && output[now.methodRange] == source[head.methodRange],
      "another method")
    try demand(output[now.target] == wanted.target, "another target")
    try demand(now.framing == head.framing, "another framing")
    try demand(now.minorVersion == head.minorVersion, "another version")
    let host = head.host.map { edits == nil ? source[$0] : PlainEdits.host }
    try demand(now.host.map { output[$0] } == host, "another host")
    try demand(now.upgrade == head.upgrade, "another upgrade")
    try demand(now.expectsContinue == head.expectsContinue, "another expectation")
    try demand(now.takesTrailers == head.takesTrailers, "other trailers")
    try demand(!now.fields.contains { $0.kind == .tunnel }, "a Tunnel- field passed")
  }

  // MARK: Responses

  private static func check(
    _ head: ResponseHead, _ source: [UInt8], close: Bool, _ edits: PlainEdits?
  ) throws(Broken) {
    let made = edits?.made(forRequest: false)
    let output = try written(ResponseEdit.bound(head, made)) {
      ResponseEdit.write(head, source.span, close: close, made, into: $0)
    }
    let plain = try PlainHead(Array(source.prefix(head.length)), leading: 0)
    let wanted = responseWanted(head, plain, close: close, edits)
    try demand(output == wanted, "\(text(output)) is not \(text(wanted))")
    var again = ResponseScanner(limits: wide)
    guard (try? again.scan(output.span)) == true else {
      throw Broken("the edited head does not scan: \(text(output))")
    }
    let now = again.head
    try demand(now.length == output.count, "the edited head ends early")
    try demand(now.status == head.status, "another status")
    try demand(now.announced == head.announced, "another framing")
    try demand(now.minorVersion == head.minorVersion, "another version")
    try demand(!now.fields.contains { $0.kind == .tunnel }, "a Tunnel- field passed")
    if close, head.status >= 200 { try demand(now.closes, "close was not said") }
  }

  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).debugDescription
  }
}
